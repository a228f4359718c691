//! Step two, the item: which functions are to be recorded, and what is asked for each.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{Attribute, Meta, token};

use crate::args::{self, Arg};
use crate::errors::Errors;
use crate::item::{Block, Function, Item, Member, Original};
use crate::returned::Shape;
use crate::settings::Settings;

/// What the attribute stands on, with everything below it.
pub(crate) enum Subject {
    Function(Box<Investigated>),
    Block(Box<InvestigatedBlock>),
    /// Left as it is.
    Untouched(TokenStream),
}

/// A function that is to be recorded.
pub(crate) struct Investigated {
    pub(crate) function: Function,
    pub(crate) shape: Shape,
    pub(crate) settings: Settings,
    /// The name in the source, after the type or trait that it belongs to, where that is known.
    pub(crate) path: String,
    /// Whether the attribute stands on a block around it.
    pub(crate) in_block: bool,
    /// Whether another attribute macro may follow on the function. It may be this one, under another name.
    pub(crate) has_attributes: bool,
    /// Whether another attribute macro may follow on the function, or on the block around it.
    has_neighbours: bool,
    /// Attributes of ours beyond the first.
    pub(crate) repeated: Vec<Attribute>,
}

/// A [`Block`] whose functions are to be recorded.
pub(crate) struct InvestigatedBlock {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) header: TokenStream,
    pub(crate) brace: token::Brace,
    pub(crate) members: Vec<Subject>,
    pub(crate) settings: Settings,
    /// Attributes of ours beyond the first.
    pub(crate) repeated: Vec<Attribute>,
}

impl Subject {
    /// Joins what the attribute asks for with what it stands on.
    pub(crate) fn new(mut item: Item, settings: Settings, errors: &mut Errors) -> Self {
        let repeated = take_own_attributes(&mut item);
        match item {
            Item::Function(mut function) => {
                if let Some(original) = Original::of(&function) {
                    function.signature = original.signature;
                    function.body = original.body;
                    return Self::again(*function, settings, original.path.value());
                }
                Self::function(*function, settings, repeated, &Surroundings::default())
            }
            Item::Block(block) => {
                Self::block(block, settings, repeated, &Surroundings::default(), errors)
            }
        }
    }

    /// A function that an attribute on the block around it has expanded, because it did not know this attribute by its
    /// name. What this one asks for holds.
    fn again(function: Function, settings: Settings, path: String) -> Self {
        if settings.skip.is_some() {
            return Self::Untouched(function.into_token_stream());
        }
        let around = Surroundings {
            is_block: true,
            ..Surroundings::default()
        };
        let mut again = Self::function(function, settings, Vec::new(), &around);
        if let Self::Function(investigated) = &mut again {
            investigated.path = path;
        }
        again
    }

    fn function(
        function: Function,
        settings: Settings,
        repeated: Vec<Attribute>,
        around: &Surroundings,
    ) -> Self {
        let name = function.signature.ident.unraw().to_string();
        let path = match &around.owner {
            Some(owner) => format!("{owner}::{name}"),
            None => name,
        };
        let shape = Shape::of(&function.signature, settings.error_if.is_some());
        let in_block = around.is_block;
        let has_attributes = has_neighbours(&function.attributes);
        let has_neighbours = around.has_neighbours || has_attributes;
        Self::Function(Box::new(Investigated {
            function,
            shape,
            settings,
            path,
            in_block,
            has_attributes,
            has_neighbours,
            repeated,
        }))
    }

    fn block(
        block: Block,
        settings: Settings,
        repeated: Vec<Attribute>,
        around: &Surroundings,
        errors: &mut Errors,
    ) -> Self {
        let Block {
            attributes,
            header,
            owner,
            brace,
            members,
        } = block;
        let inside = Surroundings {
            owner,
            is_block: true,
            has_neighbours: around.has_neighbours || has_neighbours(&attributes),
        };
        let members = members
            .into_iter()
            .map(|member| Self::member(member, &inside, errors))
            .collect();
        Self::Block(Box::new(InvestigatedBlock {
            attributes,
            header,
            brace,
            members,
            settings,
            repeated,
        }))
    }

    fn member(member: Member, around: &Surroundings, errors: &mut Errors) -> Self {
        let mut item = match member {
            Member::Item(item) => item,
            Member::Other(tokens) => return Self::Untouched(tokens),
        };
        let mut attributes = take_own_attributes(&mut item).into_iter();
        let arguments = attributes
            .next()
            .map_or_else(Vec::new, |attribute| arguments(&attribute, errors));
        let settings = Settings::new(arguments, errors);
        let repeated = attributes.collect();
        match item {
            item if settings.skip.is_some() => Self::Untouched(item.into_token_stream()),
            Item::Function(function) => Self::function(*function, settings, repeated, around),
            Item::Block(block) => Self::block(block, settings, repeated, around, errors),
        }
    }

    /// Gives every function what the blocks around it ask for, where it does not ask itself.
    pub(crate) fn inherit(&mut self, outer: &Settings) {
        match self {
            Self::Function(function) => function.settings.inherit(outer),
            Self::Block(block) => {
                block.settings.inherit(outer);
                for member in &mut block.members {
                    member.inherit(&block.settings);
                }
            }
            Self::Untouched(_) => {}
        }
    }
}

/// What stands around an item.
#[derive(Default)]
struct Surroundings {
    /// The type or trait that the functions belong to; a module has none.
    owner: Option<String>,
    is_block: bool,
    has_neighbours: bool,
}

impl Investigated {
    /// Whether no other macro is going to read the function, and nothing depends on that it is an `async fn`.
    pub(crate) fn is_free_of_neighbours(&self) -> bool {
        !self.has_neighbours
    }
}

/// Whether an attribute may be a macro, which is expanded after this one and may want an `async fn`. `#[must_use]` is
/// none, but says something else of an `async fn`: that its result must be used.
fn has_neighbours(attributes: &[Attribute]) -> bool {
    const HARMLESS: [&str; 13] = [
        "allow",
        "cfg",
        "cold",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "forbid",
        "inline",
        "rustfmt",
        "clippy",
        "track_caller",
        "warn",
    ];
    attributes.iter().any(|attribute| {
        let first = attribute.path().segments.first();
        first.is_none_or(|first| !HARMLESS.iter().any(|name| first.ident == name))
    })
}

/// Removes the attributes of ours that are still to be expanded.
fn take_own_attributes(item: &mut Item) -> Vec<Attribute> {
    let attributes = match item {
        Item::Function(function) => &mut function.attributes,
        Item::Block(block) => &mut block.attributes,
    };
    let is_own = |attribute: &mut Attribute| {
        attribute
            .path()
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "investigate")
    };
    attributes.extract_if(.., is_own).collect()
}

fn arguments(attribute: &Attribute, errors: &mut Errors) -> Vec<Arg> {
    match &attribute.meta {
        Meta::Path(_) => Vec::new(),
        Meta::List(list) => args::parse(list.tokens.clone(), errors),
        Meta::NameValue(pair) => {
            errors.add(
                pair.eq_token,
                "expected arguments in parentheses: `#[investigate(name = \"..\")]`",
            );
            Vec::new()
        }
    }
}
