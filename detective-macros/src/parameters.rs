//! How the parameters of a function reach its body, which moves into a closure or an async block.
//!
//! From the edition 2021 on, a closure captures single fields, and only what its body mentions. A value with a `Drop`
//! would be taken apart by that, and the values would be dropped in another order. So the first statements of
//! the moved body take over every parameter as a whole, in the order of their declaration, as the compiler itself does
//! for an `async fn`:
//!
//! ```text
//! fn find(mut id: Id, (a, _): Pair)      fn find(id: Id, __detective_1: Pair)
//!                                            let mut id = id;
//!                                            let __detective_1 = __detective_1;
//!                                            let (a, _) = __detective_1;
//! ```
//!
//! A warning about a parameter is then given at the statement, whose names have the place of the parameter.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::visit_mut::{VisitMut, visit_pat_mut};
use syn::{
    Attribute, FnArg, Ident, Pat, PatIdent, PatType, Receiver, ReceiverKind, Signature, Type,
};

/// Takes over the parameters of `signature`. Returns the statements for the start of the body; what they need to be
/// different in the signature is changed there.
pub(crate) fn take_over(signature: &mut Signature, here: Span) -> TokenStream {
    signature
        .inputs
        .iter_mut()
        .enumerate()
        .map(|(index, input)| match input {
            FnArg::Receiver(receiver) => take_over_self(receiver, here),
            FnArg::Typed(parameter) => take_over_parameter(parameter, index, here),
        })
        .collect()
}

/// `self` cannot be declared anew. Mentioned as a whole, it is captured as a whole.
fn take_over_self(receiver: &Receiver, here: Span) -> TokenStream {
    let is_reference = match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, of) => matches!(**of, Type::Reference(_)),
        _ => false,
    };
    if is_reference {
        // A closure does not take a reference apart.
        return TokenStream::new();
    }
    let this = &receiver.self_token;
    quote_spanned!(here=> let _ = &#this;)
}

fn take_over_parameter(parameter: &mut PatType, index: usize, here: Span) -> TokenStream {
    let (kept, moved): (Vec<_>, Vec<_>) = std::mem::take(&mut parameter.attrs)
        .into_iter()
        .partition(|attribute| !is_lint_level(attribute));
    parameter.attrs = kept;
    let conditions: Vec<_> = parameter
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .collect();
    let attributes = quote_spanned!(here=> #(#conditions)* #(#moved)*);

    let is_reference = matches!(*parameter.ty, Type::Reference(_));
    let mut found = Bindings::default();
    found.visit_pat_mut(&mut (*parameter.pat).clone());
    let stays = found.is_whole || is_reference && !found.has_mut;
    if stays {
        // Every part of the value has a name of its own, so that the names are the whole of it.
        RemoveMut.visit_pat_mut(&mut parameter.pat);
        return found
            .names
            .iter()
            .map(|binding| {
                let (mutability, ident) = (&binding.mutability, &binding.ident);
                let quiet = quiet(ident, here);
                quote_spanned!(here=> #attributes #quiet let #mutability #ident = #ident;)
            })
            .collect();
    }
    let whole = Ident::new(&format!("__detective_{index}"), here);
    let pattern = std::mem::replace(
        &mut *parameter.pat,
        Pat::Ident(PatIdent {
            attrs: Vec::new(),
            by_ref: None,
            mutability: None,
            ident: whole.clone(),
            subpat: None,
        }),
    );
    let mutability = found.has_ref_mut.then(|| quote_spanned!(here=> mut));
    let whole_again = quote_spanned!(here=> #attributes let #mutability #whole = #whole;);
    if matches!(pattern, Pat::Wild(_)) {
        whole_again
    } else {
        quote_spanned!(here=> #whole_again #attributes let #pattern = #whole;)
    }
}

/// Keeps two lints from a name that says that it is not used. The body does not use it either.
fn quiet(ident: &Ident, here: Span) -> TokenStream {
    if !ident.to_string().starts_with('_') {
        return TokenStream::new();
    }
    quote_spanned!(here=>
        #[allow(clippy::no_effect_underscore_binding, clippy::used_underscore_binding)]
    )
}

/// Whether an attribute of a parameter says how loud a lint is. It belongs where the parameter is used.
fn is_lint_level(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"]
        .iter()
        .any(|level| attribute.path().is_ident(level))
}

/// What a pattern binds.
struct Bindings {
    names: Vec<PatIdent>,
    /// Whether the names together are the whole value: nothing is left out, and nothing is borrowed.
    is_whole: bool,
    has_mut: bool,
    has_ref_mut: bool,
    depth: usize,
}

impl Default for Bindings {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            is_whole: true,
            has_mut: false,
            has_ref_mut: false,
            depth: 0,
        }
    }
}

impl VisitMut for Bindings {
    fn visit_pat_mut(&mut self, pattern: &mut Pat) {
        match pattern {
            Pat::Ident(binding) => {
                self.is_whole &= binding.by_ref.is_none() && binding.subpat.is_none();
                // Below two patterns, a `mut` may stand under a reference, where it changes the type.
                self.is_whole &= binding.mutability.is_none() || self.depth < 2;
                self.has_mut |= binding.mutability.is_some();
                self.has_ref_mut |= binding.by_ref.is_some() && binding.mutability.is_some();
                self.names.push(binding.clone());
            }
            Pat::Struct(pattern) => self.is_whole &= pattern.rest.is_none(),
            Pat::Tuple(_) | Pat::TupleStruct(_) | Pat::Paren(_) | Pat::Slice(_) => {}
            // What is behind a reference is not dropped with it; what it gives to a name is a copy.
            Pat::Reference(_) => {}
            _ => self.is_whole = false,
        }
        self.depth += 1;
        visit_pat_mut(self, pattern);
        self.depth -= 1;
    }
}

/// Removes `mut` from names that are declared anew.
struct RemoveMut;

impl VisitMut for RemoveMut {
    fn visit_pat_ident_mut(&mut self, binding: &mut PatIdent) {
        binding.mutability = None;
    }
}
