//! What a function returns, read from its signature.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut, visit_type_mut};
use syn::{
    GenericArgument, Lifetime, Path, PathArguments, ReturnType, Signature, Token, TraitBound, Type,
    TypeParamBound, TypeReference, parse_quote,
};

/// How a function gives its result.
pub(crate) enum Shape {
    /// `async fn`
    Async,
    /// Returns when it is done.
    Plain,
    /// Returns something that no other type can stand in for, such as an `impl Fn`. Its body stays where it is, and
    /// only the call is recorded.
    CallOnly,
    /// Returns an `impl Future` or an `impl Stream`; of what, when the signature says so.
    Later(Later, Option<Box<Type>>),
    /// Returns a pinned box with a future or a stream in it.
    BoxedLater(Later),
}

/// What goes on after the function that returned it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Later {
    Future,
    Stream,
}

impl Shape {
    pub(crate) fn of(signature: &Signature, has_condition: bool) -> Self {
        let shape = Self::of_signature(signature);
        match shape {
            // A condition needs the value.
            Self::CallOnly if has_condition => Self::Plain,
            shape => shape,
        }
    }

    fn of_signature(signature: &Signature) -> Self {
        if signature.asyncness.is_some() {
            return Self::Async;
        }
        let ReturnType::Type(_, returned) = &signature.output else {
            return Self::Plain;
        };
        let returned = ungrouped(returned);
        if let Type::ImplTrait(opaque) = returned {
            return match later(&opaque.bounds) {
                Some(_) if !opaque.bounds.iter().all(is_kept_by_wrapper) => Self::CallOnly,
                Some(later) => {
                    let output = opaque.bounds.iter().find_map(output_of).map(Box::new);
                    Self::Later(later, output)
                }
                None if has_closure_bound(&opaque.bounds) => Self::CallOnly,
                None => Self::Plain,
            };
        }
        match boxed_later(returned) {
            Some(boxed) if boxed.outlives_its_output() => Self::CallOnly,
            Some(boxed) => Self::BoxedLater(boxed.later),
            None => Self::Plain,
        }
    }
}

type Bounds = Punctuated<TypeParamBound, Token![+]>;

/// A type that came through a `macro_rules!` is wrapped in an invisible group, and any type may stand in parentheses.
fn ungrouped(written: &Type) -> &Type {
    match written {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        other => other,
    }
}

/// Whether the bounds of `impl Future<..>` or `dyn Stream<..>` say so, by the last name of the trait's path.
fn later(bounds: &Bounds) -> Option<Later> {
    bounds
        .iter()
        .find_map(|bound| match trait_name(bound)?.as_str() {
            "Future" => Some(Later::Future),
            "Stream" => Some(Later::Stream),
            _ => None,
        })
}

/// Whether the runtime's future or stream has what `bound` asks for, when the one inside has it.
fn is_kept_by_wrapper(bound: &TypeParamBound) -> bool {
    const KEPT: [&str; 10] = [
        "Future",
        "Stream",
        "FusedFuture",
        "FusedStream",
        "Send",
        "Sync",
        "Unpin",
        "UnwindSafe",
        "Sized",
        // The idiom by which editions before 2024 name a lifetime; every type implements such a trait.
        "Captures",
    ];
    trait_name(bound).is_none_or(|name| KEPT.contains(&name.as_str()))
}

/// The type in `Future<Output = ..>` or `Stream<Item = ..>`.
fn output_of(bound: &TypeParamBound) -> Option<Type> {
    let TypeParamBound::Trait(bound) = bound else {
        return None;
    };
    let PathArguments::AngleBracketed(list) = &bound.path.segments.last()?.arguments else {
        return None;
    };
    list.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output)
            if output.ident == "Output" || output.ident == "Item" =>
        {
            Some(output.ty.clone())
        }
        _ => None,
    })
}

/// What is in `Pin<Box<dyn Future<..> + ..>>`, or in the names that the futures crates have for it; the same for streams.
struct Boxed<'a> {
    later: Later,
    /// `None` when it is not written, which means `'static`.
    lifetime: Option<&'a Lifetime>,
    output: Option<Type>,
}

fn boxed_later(returned: &Type) -> Option<Boxed<'_>> {
    let Type::Path(path) = returned else {
        return None;
    };
    let later = match last_name(&path.path)?.as_str() {
        "BoxFuture" | "LocalBoxFuture" => Later::Future,
        "BoxStream" | "LocalBoxStream" => Later::Stream,
        "Pin" => return pinned_box(only_type_argument(&path.path)?),
        _ => return None,
    };
    let PathArguments::AngleBracketed(list) = &path.path.segments.last()?.arguments else {
        return None;
    };
    let lifetime = list.args.iter().find_map(|argument| match argument {
        GenericArgument::Lifetime(lifetime) => Some(lifetime),
        _ => None,
    });
    let output = list.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(output) => Some(output.clone()),
        _ => None,
    });
    Some(Boxed {
        later,
        lifetime,
        output,
    })
}

fn pinned_box(inside: &Type) -> Option<Boxed<'_>> {
    let Type::Path(boxed) = inside else {
        return None;
    };
    if last_name(&boxed.path)? != "Box" {
        return None;
    }
    let Type::TraitObject(object) = only_type_argument(&boxed.path)? else {
        return None;
    };
    Some(Boxed {
        later: later(&object.bounds)?,
        lifetime: object.bounds.iter().find_map(|bound| match bound {
            TypeParamBound::Lifetime(lifetime) => Some(lifetime),
            _ => None,
        }),
        output: object.bounds.iter().find_map(output_of),
    })
}

impl Boxed<'_> {
    /// Whether the box lives longer than what it gives: `BoxFuture<'static, &'a str>`. Nothing that names the type of
    /// the output can be put into it, and so no wrapper can.
    fn outlives_its_output(&self) -> bool {
        let is_static = match self.lifetime {
            Some(lifetime) => lifetime.ident == "static",
            None => true,
        };
        is_static && self.output.as_ref().is_some_and(has_short_lifetime)
    }
}

/// Whether a type mentions a lifetime other than `'static`.
fn has_short_lifetime(written: &Type) -> bool {
    struct Search(bool);

    impl VisitMut for Search {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            self.0 |= lifetime.ident != "static";
        }

        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            self.0 |= reference.lifetime.is_none();
            visit_mut::visit_type_reference_mut(self, reference);
        }
    }

    let mut search = Search(false);
    search.visit_type_mut(&mut written.clone());
    search.0
}

/// Whether the bounds of an `impl Fn(..) -> ..` say so. The closure that is returned learns the types of its parameters
/// from there, which it could not if it was returned from a closure of ours.
fn has_closure_bound(bounds: &Bounds) -> bool {
    bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(TraitBound { path, .. }) => path
            .segments
            .last()
            .is_some_and(|last| matches!(last.arguments, PathArguments::Parenthesized(_))),
        _ => false,
    })
}

/// Whether the name of the returned type is one of those that can be awaited.
pub(crate) fn returns_something_to_await(signature: &Signature) -> bool {
    let ReturnType::Type(_, returned) = &signature.output else {
        return false;
    };
    let Type::Path(path) = ungrouped(returned) else {
        return false;
    };
    last_name(&path.path).is_some_and(|name| {
        name == "Receiver" || name == "Pin" || name.ends_with("Handle") || name.ends_with("Future")
    })
}

fn trait_name(bound: &TypeParamBound) -> Option<String> {
    match bound {
        TypeParamBound::Trait(bound) => last_name(&bound.path),
        _ => None,
    }
}

fn last_name(path: &Path) -> Option<String> {
    Some(path.segments.last()?.ident.to_string())
}

fn only_type_argument(path: &Path) -> Option<&Type> {
    match &path.segments.last()?.arguments {
        PathArguments::AngleBracketed(list) if list.args.len() == 1 => match list.args.first() {
            Some(GenericArgument::Type(argument)) => Some(ungrouped(argument)),
            _ => None,
        },
        _ => None,
    }
}

/// The type that a body gives, as it can be written inside of a function.
pub(crate) struct Returned {
    pub(crate) written: Type,
    /// The function does not return. `!` cannot be written here, so its body is given a type without values, and the
    /// call is matched against nothing.
    pub(crate) is_never: bool,
    /// Where the user wrote it.
    pub(crate) span: Span,
}

impl Returned {
    pub(crate) fn of(signature: &Signature) -> Self {
        let (written, is_never, span) = match &signature.output {
            ReturnType::Default => (parse_quote!(()), false, signature.ident.span()),
            ReturnType::Type(_, returned) if matches!(ungrouped(returned), Type::Never(_)) => (
                parse_quote!(::core::convert::Infallible),
                true,
                returned.span(),
            ),
            ReturnType::Type(_, returned) => (erase_opaque_types(returned), false, returned.span()),
        };
        Self {
            written,
            is_never,
            span,
        }
    }
}

/// Replaces `impl Trait`, which only a signature may say, by `_`.
pub(crate) fn erase_opaque_types(written: &Type) -> Type {
    struct Erase;

    impl VisitMut for Erase {
        fn visit_type_mut(&mut self, written: &mut Type) {
            if matches!(written, Type::ImplTrait(_)) {
                *written = parse_quote!(_);
            } else {
                visit_type_mut(self, written);
            }
        }
    }

    let mut written = written.clone();
    Erase.visit_type_mut(&mut written);
    written
}

/// The same tokens at the same place, but written by the attribute: a lint that has seen the signature does not
/// complain a second time.
pub(crate) fn as_generated(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            let span = Span::mixed_site().located_at(token.span());
            if let TokenTree::Group(group) = &token {
                token =
                    TokenTree::Group(Group::new(group.delimiter(), as_generated(group.stream())));
            }
            token.set_span(span);
            token
        })
        .collect()
}
