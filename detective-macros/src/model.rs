//! Step two, the item: which functions are to be recorded, and what is asked for each.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{
    Attribute, GenericArgument, Meta, PathArguments, ReturnType, Signature, Type, TypeParamBound,
    token,
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
        match &signature.output {
            ReturnType::Type(_, returned) if is_future(returned) => Self::Future,
            ReturnType::Type(_, returned) if is_boxed_future(returned) => Self::BoxedFuture,
            _ => Self::Plain,
        }
    }
}

fn is_future(returned: &Type) -> bool {
    match returned {
        Type::ImplTrait(opaque) => has_future_bound(&opaque.bounds),
        Type::TraitObject(object) => has_future_bound(&object.bounds),
        _ => false,
    }
}

fn has_future_bound<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> bool {
    bounds.into_iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Future"),
        _ => false,
    })
}

/// `Pin<Box<dyn Future<..>>>`, or the names that the futures crates have for it.
fn is_boxed_future(returned: &Type) -> bool {
    let Type::Path(path) = returned else {
        return false;
    };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    match last.ident.to_string().as_str() {
        "BoxFuture" | "LocalBoxFuture" => true,
        "Pin" => only_type_argument(&last.arguments).is_some_and(|boxed| match boxed {
            Type::Path(boxed) => boxed.path.segments.last().is_some_and(|last| {
                last.ident == "Box" && only_type_argument(&last.arguments).is_some_and(is_future)
            }),
            _ => false,
        }),
        _ => false,
    }
}

fn only_type_argument(arguments: &PathArguments) -> Option<&Type> {
    match arguments {
        PathArguments::AngleBracketed(list) if list.args.len() == 1 => match list.args.first() {
            Some(GenericArgument::Type(argument)) => Some(argument),
            _ => None,
        },
        _ => None,
    }
}
