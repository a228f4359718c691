//! Step two, the item: which functions are to be recorded, and what is asked for each.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{
    Attribute, GenericArgument, Meta, Path, PathArguments, ReturnType, Signature, Type,
    TypeParamBound, token,
};

use crate::args::{self, Arg};
use crate::errors::Errors;
use crate::item::{Block, Function, Item, Member};
use crate::request::Request;

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
    pub(crate) request: Request,
    /// The name in the source, after the type or trait that it belongs to, where that is known.
    pub(crate) path: String,
    /// Whether the attribute stands on a block around it.
    pub(crate) in_block: bool,
    /// Attributes of ours beyond the first.
    pub(crate) repeated: Vec<Attribute>,
}

/// A [`Block`] whose functions are to be recorded.
pub(crate) struct InvestigatedBlock {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) header: TokenStream,
    pub(crate) brace: token::Brace,
    pub(crate) members: Vec<Subject>,
    pub(crate) request: Request,
    /// Attributes of ours beyond the first.
    pub(crate) repeated: Vec<Attribute>,
}

/// How a function gives its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `async fn`
    Async,
    /// Returns when it is done.
    Plain,
    /// Returns an `impl Future`.
    Future,
    /// Returns a pinned box with a future in it.
    BoxedFuture,
    /// Returns an `impl Stream`.
    Stream,
    /// Returns a pinned box with a stream in it.
    BoxedStream,
}

impl Subject {
    /// Joins what the attribute asks for with what it stands on.
    pub(crate) fn new(mut item: Item, request: Request, errors: &mut Errors) -> Self {
        let repeated = take_own_attributes(&mut item);
        match item {
            Item::Function(function) => Self::function(*function, request, repeated, None),
            Item::Block(block) => Self::block(block, request, repeated, errors),
        }
    }

    fn function(
        function: Function,
        request: Request,
        repeated: Vec<Attribute>,
        block: Option<&Owner>,
    ) -> Self {
        let name = function.signature.ident.unraw().to_string();
        let path = match block {
            Some(Owner(Some(owner))) => format!("{owner}::{name}"),
            _ => name,
        };
        let shape = Shape::of(&function.signature);
        let in_block = block.is_some();
        Self::Function(Box::new(Investigated {
            function,
            shape,
            request,
            path,
            in_block,
            repeated,
        }))
    }

    fn block(
        block: Block,
        request: Request,
        repeated: Vec<Attribute>,
        errors: &mut Errors,
    ) -> Self {
        let Block {
            attributes,
            header,
            owner,
            brace,
            members,
        } = block;
        let owner = Owner(owner);
        let members = members
            .into_iter()
            .map(|member| Self::member(member, &owner, errors))
            .collect();
        Self::Block(Box::new(InvestigatedBlock {
            attributes,
            header,
            brace,
            members,
            request,
            repeated,
        }))
    }

    fn member(member: Member, owner: &Owner, errors: &mut Errors) -> Self {
        let mut item = match member {
            Member::Item(item) => item,
            Member::Other(tokens) => return Self::Untouched(tokens),
        };
        let mut attributes = take_own_attributes(&mut item).into_iter();
        let arguments = attributes
            .next()
            .map_or_else(Vec::new, |attribute| arguments(&attribute, errors));
        let request = Request::new(arguments, errors);
        let repeated = attributes.collect();
        match item {
            item if request.skip.is_some() => Self::Untouched(item.into_token_stream()),
            Item::Function(function) => Self::function(*function, request, repeated, Some(owner)),
            Item::Block(block) => Self::block(block, request, repeated, errors),
        }
    }

    /// Gives every function what the blocks around it ask for, where it does not ask itself.
    pub(crate) fn inherit(&mut self, outer: &Request) {
        match self {
            Self::Function(function) => function.request.inherit(outer),
            Self::Block(block) => {
                block.request.inherit(outer);
                for member in &mut block.members {
                    member.inherit(&block.request);
                }
            }
            Self::Untouched(_) => {}
        }
    }
}

/// The type or trait that the functions of a block belong to; a module has none.
struct Owner(Option<String>);

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

impl Shape {
    fn of(signature: &Signature) -> Self {
        if signature.asyncness.is_some() {
            return Self::Async;
        }
        let ReturnType::Type(_, returned) = &signature.output else {
            return Self::Plain;
        };
        match (later(returned), boxed_later(returned)) {
            (Some(Later::Future), _) => Self::Future,
            (Some(Later::Stream), _) => Self::Stream,
            (None, Some(Later::Future)) => Self::BoxedFuture,
            (None, Some(Later::Stream)) => Self::BoxedStream,
            (None, None) => Self::Plain,
        }
    }
}

/// What goes on after the function that returned it.
#[derive(Debug, Clone, Copy)]
enum Later {
    Future,
    Stream,
}

/// `impl Future<..>` or `dyn Stream<..>`, by the last name of the trait's path.
fn later(returned: &Type) -> Option<Later> {
    let bounds = match returned {
        Type::ImplTrait(opaque) => &opaque.bounds,
        Type::TraitObject(object) => &object.bounds,
        _ => return None,
    };
    bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => match last_name(&bound.path)?.as_str() {
            "Future" => Some(Later::Future),
            "Stream" => Some(Later::Stream),
            _ => None,
        },
        _ => None,
    })
}

/// `Pin<Box<dyn Future<..>>>`, or the names that the futures crates have for it; the same for streams.
fn boxed_later(returned: &Type) -> Option<Later> {
    let Type::Path(path) = returned else {
        return None;
    };
    match last_name(&path.path)?.as_str() {
        "BoxFuture" | "LocalBoxFuture" => Some(Later::Future),
        "BoxStream" | "LocalBoxStream" => Some(Later::Stream),
        "Pin" => match only_type_argument(&path.path)? {
            Type::Path(boxed) if last_name(&boxed.path)? == "Box" => {
                later(only_type_argument(&boxed.path)?)
            }
            _ => None,
        },
        _ => None,
    }
}

fn last_name(path: &Path) -> Option<String> {
    Some(path.segments.last()?.ident.to_string())
}

fn only_type_argument(path: &Path) -> Option<&Type> {
    match &path.segments.last()?.arguments {
        PathArguments::AngleBracketed(list) if list.args.len() == 1 => match list.args.first() {
            Some(GenericArgument::Type(argument)) => Some(argument),
            _ => None,
        },
        _ => None,
    }
}
