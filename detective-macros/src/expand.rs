//! Step four: the code. It states the facts of one function and hands its body to the runtime; what is recorded is
//! decided there.
//!
//! Everything written here has the hygiene of the attribute, so that lints of the user's crate pass over it and none of
//! its local names can meet a user's; and the place of the function's name, so that a message about it names the
//! function. What the user wrote keeps its own span.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, TokenStreamExt as _, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path, ReturnType, Signature};

use crate::args::{Field, Sigil};
use crate::item::{ORIGINAL, inner, outer};
use crate::model::{Investigated, Subject};
use crate::parameters;
use crate::returned::{
    Later, Returned, Shape, as_generated, erase_opaque_types, returns_something_to_await,
};
use crate::settings::Settings;
use crate::site;

/// Writes the item with its functions investigated.
pub(crate) fn expand(subject: &Subject) -> TokenStream {
    write(subject, &expand_function)
}

/// Writes the item as it was, without the attributes of ours in it, to go with the mistakes.
pub(crate) fn give_back(subject: &Subject) -> TokenStream {
    write(subject, &|function| function.function.to_token_stream())
}

fn write(subject: &Subject, function: &dyn Fn(&Investigated) -> TokenStream) -> TokenStream {
    let mut tokens = TokenStream::new();
    match subject {
        Subject::Untouched(untouched) => untouched.to_tokens(&mut tokens),
        Subject::Function(investigated) => tokens.extend(function(investigated)),
        Subject::Block(block) => {
            tokens.append_all(outer(&block.attributes));
            block.header.to_tokens(&mut tokens);
            block.brace.surround(&mut tokens, |tokens| {
                tokens.append_all(inner(&block.attributes));
                tokens.append_all(block.members.iter().map(|member| write(member, function)));
            });
        }
    }
    tokens
}

/// What one function becomes.
struct Expansion<'a> {
    investigated: &'a Investigated,
    /// The hygiene of the attribute at the place of the function's name.
    here: Span,
    /// The module of the runtime that holds the names below.
    private: TokenStream,
}

/// Quotes at the place of the function's name, with the hygiene of the attribute.
macro_rules! generated {
    ($expansion:expr, $($tokens:tt)*) => { quote_spanned!($expansion.here=> $($tokens)*) };
}

fn expand_function(investigated: &Investigated) -> TokenStream {
    let here = Span::mixed_site().located_at(investigated.function.signature.ident.span());
    let private = private_path_at(&investigated.settings, here);
    let expansion = Expansion {
        investigated,
        here,
        private,
    };
    let mut signature = investigated.function.signature.clone();
    let call = expansion.call(&mut signature);
    let callsite = site::callsite(investigated, &expansion.private, here);
    let original = investigated.has_attributes.then(|| expansion.original());
    let mut tokens = expansion.lint_levels();
    investigated.function.to_tokens_with(
        &mut tokens,
        &signature,
        &generated!(expansion, #original #callsite #call),
    );
    tokens
}

/// The runtime's module, for a call whose complaints belong to `span`.
fn private_path_at(settings: &Settings, span: Span) -> TokenStream {
    match &settings.root {
        Some(root) => {
            let root: &Path = &root.value;
            quote_spanned!(span=> #root::__private)
        }
        None => quote_spanned!(span=> ::detective::__private),
    }
}

impl Expansion<'_> {
    /// What the function was.
    fn original(&self) -> TokenStream {
        let Investigated { function, path, .. } = self.investigated;
        let private = &self.private;
        let name = Ident::new(ORIGINAL, self.here);
        let (signature, body) = (&function.signature, &function.body);
        generated!(self, #private::#name! { #path #signature { #body } })
    }

    /// A `mut self` is the one value that the body captures and cannot declare anew. The compiler takes a field that is
    /// assigned there for one that nobody reads, although a destructor may.
    ///
    /// What an `async fn` returns may be awaited in its turn. Clippy takes that for a mistake in an async block only.
    fn lint_levels(&self) -> TokenStream {
        let signature = &self.investigated.function.signature;
        let mut levels = TokenStream::new();
        if signature
            .receiver()
            .is_some_and(|receiver| receiver.mutability.is_some())
        {
            levels.extend(generated!(self, #[allow(unused_assignments)]));
        }
        if signature.asyncness.is_some() && returns_something_to_await(signature) {
            levels.extend(generated!(self, #[allow(clippy::async_yields_async)]));
        }
        levels
    }

    /// Runs the body inside of a span. What that needs to be different in the signature is changed there.
    fn call(&self, signature: &mut Signature) -> TokenStream {
        let private = &self.private;
        let returned = Returned::of(signature);
        let error = self.error();
        let call = match &self.investigated.shape {
            Shape::CallOnly => return self.call_only(),
            Shape::Async => {
                let block = self.block(signature, &returned);
                let call =
                    generated!(self, #private::run_async(&__DETECTIVE_CALLSITE, #block, #error));
                if self.investigated.is_free_of_neighbours() && !returned.is_never {
                    return_the_future(signature, self.here);
                    call
                } else {
                    generated!(self, #call.await)
                }
            }
            Shape::Plain => {
                let closure = self.closure(signature, &returned);
                generated!(self, #private::run(&__DETECTIVE_CALLSITE, #closure, #error))
            }
            Shape::Later(later, output) => {
                let closure = self.closure(signature, &returned);
                let run = self.run_later(*later);
                let output = match output {
                    Some(output) => as_generated(erase_opaque_types(output).into_token_stream()),
                    None => generated!(self, _),
                };
                generated!(self, #run::<#output, _, _>(&__DETECTIVE_CALLSITE, #closure, #error))
            }
            Shape::BoxedLater(later) => {
                let closure = self.closure(signature, &returned);
                let run = self.run_later(*later);
                generated!(self, ::std::boxed::Box::pin(#run(&__DETECTIVE_CALLSITE, #closure, #error)))
            }
        };
        if returned.is_never {
            generated!(self, match #call {})
        } else {
            call
        }
    }

    fn run_later(&self, later: Later) -> TokenStream {
        let private = &self.private;
        match later {
            Later::Future => generated!(self, #private::run_future),
            Later::Stream => generated!(self, #private::run_stream),
        }
    }

    /// The body as it was, below a guard that ends the span.
    fn call_only(&self) -> TokenStream {
        let private = &self.private;
        let fields = self.fields();
        let guard = generated!(self, let __detective_call = #private::enter(&__DETECTIVE_CALLSITE); #fields);
        let body = &self.investigated.function.body;
        quote!(#guard #body)
    }

    /// The body of an asynchronous function, as a block.
    fn block(&self, signature: &mut Signature, returned: &Returned) -> TokenStream {
        let start = self.start(signature);
        let expectation = self.expectation(returned);
        let body = self.body();
        let around_body = self.around_body();
        quote_spanned!(around_body=> async move { #start #expectation #body })
    }

    /// The body of every other function, as a closure.
    fn closure(&self, signature: &mut Signature, returned: &Returned) -> TokenStream {
        let start = self.start(signature);
        let body = self.body();
        let around_body = self.around_body();
        let written = as_generated(returned.written.to_token_stream());
        quote_spanned!(around_body=> move || -> #written { #start #body })
    }

    /// What comes before the body: the fields are read when the parameters are there, and before they are consumed.
    fn start(&self, signature: &mut Signature) -> TokenStream {
        let parameters = parameters::take_over(signature, self.here);
        let fields = self.fields();
        generated!(self, #parameters #fields)
    }

    /// The body in its own braces. As the arm of a `match`, it drops the temporary values of its last expression
    /// before the parameters in every edition, as the body of a function does.
    fn body(&self) -> TokenStream {
        let function = &self.investigated.function;
        let mut body = TokenStream::new();
        function
            .brace
            .surround(&mut body, |tokens| function.body.to_tokens(tokens));
        generated!(self, match () { () => #body })
    }

    /// The place of the body. A message about the closure or the block that it has become stands there.
    fn around_body(&self) -> Span {
        self.here
            .located_at(self.investigated.function.brace.span.join())
    }

    /// Tells the compiler the type that `return`, `?` and the last expression of an async block have to give, which
    /// cannot be written at the block. Nothing is ever returned here.
    fn expectation(&self, returned: &Returned) -> TokenStream {
        let written = &returned.written;
        // Where the compiler says that this type was expected.
        let value = Ident::new("__detective_return", returned.span);
        generated! {self,
            if let ::core::option::Option::Some(#value) = ::core::option::Option::None::<#written> {
                return #value;
            }
        }
    }

    /// The closure that looks for an error in what was returned.
    fn error(&self) -> TokenStream {
        let private = &self.private;
        let condition = self
            .investigated
            .settings
            .error_if
            .as_ref()
            .map(|condition| {
                let condition = &condition.value.0;
                generated!(self, , #condition)
            });
        generated!(self, move |__detective_output| #private::error_text!(__detective_output #condition))
    }

    fn fields(&self) -> Option<TokenStream> {
        let private = &self.private;
        let fields = &self.investigated.settings.fields.as_ref()?.value;
        let fields = fields.iter().map(|field| self.add_field(field));
        Some(generated! {self,
            #private::fields(|__detective_fields| {
                use #private::CapturedValue as _;
                #(#fields)*
            });
        })
    }

    fn add_field(&self, field: &Field) -> TokenStream {
        let key = field.key.text();
        let expression = match &field.value {
            Some(value) => generated!(self, (#value)),
            None => field.key.to_token_stream(),
        };
        // A complaint about the type of the expression belongs under the expression.
        let written = field
            .value
            .as_ref()
            .map_or_else(|| field.key.span(), Spanned::span);
        let there = Span::mixed_site().located_at(written);
        let private = private_path_at(&self.investigated.settings, there);
        let value = match field.sigil {
            None => {
                quote_spanned!(there=> (&&&&&&#private::Captured(&#expression)).__detective_value())
            }
            Some(Sigil::Display) => quote_spanned!(there=> #private::display(&#expression)),
            Some(Sigil::Debug) => quote_spanned!(there=> #private::debug(&#expression)),
        };
        generated!(self, __detective_fields.add(#key, #value);)
    }
}

/// Makes an `async fn` the function that the compiler makes of it. A second future around the one of the body would
/// store the arguments twice, and be compiled for each function.
///
/// Tokens of the attribute follow the rules of its edition: since 2024, an `impl Future` holds on to every parameter,
/// as the future of an `async fn` does.
fn return_the_future(signature: &mut Signature, here: Span) {
    signature.asyncness = None;
    let output = match &signature.output {
        ReturnType::Default => quote_spanned!(here=> ()),
        ReturnType::Type(_, returned) => returned.to_token_stream(),
    };
    signature.output = syn::parse_quote_spanned! {here=>
        -> impl ::core::future::Future<Output = #output>
    };
}
