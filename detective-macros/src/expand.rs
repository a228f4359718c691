//! Step four: the code. It states the facts of one function and hands its body to the runtime; what is recorded is
//! decided there.
//!
//! Everything written here has the span of the attribute, so that lints of the user's crate pass over it, and none of
//! its local names can meet a user's. What the user wrote keeps its own span.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, TokenStreamExt as _, quote_spanned};
use syn::spanned::Spanned as _;
use syn::visit_mut::{VisitMut, visit_type_mut};
use syn::{Ident, Path, ReturnType, Signature, Type, parse_quote};

use crate::args::{Field, Sigil};
use crate::item::{inner, outer};
use crate::model::{Investigated, Shape, Subject};
use crate::request::Request;

/// Writes the item with its functions investigated.
pub(crate) fn expand(subject: &Subject) -> TokenStream {
    write(subject, &|function| expand_body(function))
}

/// Writes the item as it was, without the attributes of ours in it, to go with the mistakes.
pub(crate) fn give_back(subject: &Subject) -> TokenStream {
    write(subject, &|function| function.function.body.clone())
}

fn write(subject: &Subject, body: &dyn Fn(&Investigated) -> TokenStream) -> TokenStream {
    let mut tokens = TokenStream::new();
    match subject {
        Subject::Untouched(untouched) => untouched.to_tokens(&mut tokens),
        Subject::Function(function) => function
            .function
            .to_tokens_with(&mut tokens, &body(function)),
        Subject::Block(block) => {
            tokens.append_all(outer(&block.attributes));
            block.header.to_tokens(&mut tokens);
            block.brace.surround(&mut tokens, |tokens| {
                tokens.append_all(inner(&block.attributes));
                tokens.append_all(block.members.iter().map(|member| write(member, body)));
            });
        }
    }
    tokens
}

/// Quotes with the hygiene of the attribute.
macro_rules! generated {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

fn expand_body(investigated: &Investigated) -> TokenStream {
    let private = private_path(&investigated.request);
    let site = site(investigated, &private);
    let call = call(investigated, &private);
    generated! {
        static __DETECTIVE_CALLSITE: #private::Callsite = #private::Callsite::new(#site);
        #private::submit!(&__DETECTIVE_CALLSITE);
        #call
    }
}

/// The module of the runtime that holds the names below.
fn private_path(request: &Request) -> TokenStream {
    private_path_at(request, Span::mixed_site())
}

/// The same, for a call whose complaints belong to `span`.
fn private_path_at(request: &Request, span: Span) -> TokenStream {
    match &request.root {
        Some(root) => {
            let root: &Path = &root.value;
            quote_spanned!(span=> #root::__private)
        }
        None => quote_spanned!(span=> ::detective::__private),
    }
}

/// Who is called and where it stands, read in the user's crate.
fn site(investigated: &Investigated, private: &TokenStream) -> TokenStream {
    let Investigated {
        function,
        request,
        path,
        ..
    } = investigated;
    let ident = &function.signature.ident;
    let plain_name = path.rsplit("::").next().unwrap_or(path);
    let name = request.name.as_ref().map_or(plain_name, |name| &name.value);
    let options = options(request, private);
    // With the span of the function's name, these are its file and line, not those of the attribute.
    let (file, line) = (
        quote_spanned!(ident.span()=> ::core::file!()),
        quote_spanned!(ident.span()=> ::core::line!()),
    );
    generated! {
        #private::Site {
            name: #name,
            function: #path,
            module: ::core::module_path!(),
            package: ::core::env!("CARGO_PKG_NAME"),
            version: ::core::env!("CARGO_PKG_VERSION"),
            file: #file,
            line: #line,
            options: #options,
        }
    }
}

/// The number of fields that the runtime's options have. With all of them given, a base would be a needless one.
const ALL_OPTIONS: usize = 6;

fn options(request: &Request, private: &TokenStream) -> TokenStream {
    let mut given = Vec::new();
    if let Some(slow) = &request.slow {
        let (seconds, nanos) = (slow.value.as_secs(), slow.value.subsec_nanos());
        given.push(generated!(slow: ::core::option::Option::Some(::core::time::Duration::new(#seconds, #nanos))));
    }
    if let Some(sample) = &request.sample {
        let sample = sample.value;
        given.push(generated!(sample: ::core::option::Option::Some(#sample)));
    }
    for (key, flag) in [
        ("record", &request.record),
        ("span", &request.span),
        ("histogram", &request.histogram),
    ] {
        if let Some(flag) = flag {
            let (key, flag) = (Ident::new(key, Span::mixed_site()), flag.value);
            given.push(generated!(#key: ::core::option::Option::Some(#flag)));
        }
    }
    if let Some(buckets) = &request.buckets {
        let bounds = buckets.value.iter().map(|bound| bound.value);
        given.push(generated!(buckets: ::core::option::Option::Some(&[#(#bounds),*])));
    }
    let none = generated!(#private::Options::NONE);
    match given.len() {
        0 => none,
        ALL_OPTIONS => generated!(#private::Options { #(#given),* }),
        _ => generated!(#private::Options { #(#given,)* ..#none }),
    }
}

/// Runs the body inside of a span. The fields are read first, because the body may consume the arguments.
fn call(investigated: &Investigated, private: &TokenStream) -> TokenStream {
    let Investigated {
        function,
        shape,
        request,
        ..
    } = investigated;
    let fields = fields(request, private);
    let span = generated!(#private::Span::start(&__DETECTIVE_CALLSITE) #fields);
    let error = error(request, private);

    let mut body = TokenStream::new();
    function
        .brace
        .surround(&mut body, |tokens| function.body.to_tokens(tokens));
    // What the compiler finds around the body keeps its place and its names: the argument that was moved, the block
    // that has no `Result` to return.
    let around_body = function.brace.span.join();
    let returned = Returned::of(&function.signature);
    let written = &returned.written;
    let closure = quote_spanned!(around_body=> move || -> #written #body);
    let call = match shape {
        Shape::Async => {
            let expectation = returned.expectation();
            let block = quote_spanned!(around_body=> async move { #expectation #body });
            generated!(#span.run_async(#block, #error).await)
        }
        Shape::Plain => generated!(#span.run(#closure, #error)),
        Shape::Future => generated!(#span.run_future(#closure, #error)),
        Shape::Stream => generated!(#span.run_stream(#closure, #error)),
        Shape::BoxedFuture => {
            generated!(::std::boxed::Box::pin(#span.run_future(#closure, #error)))
        }
        Shape::BoxedStream => {
            generated!(::std::boxed::Box::pin(#span.run_stream(#closure, #error)))
        }
    };
    if returned.is_never {
        generated!(match #call {})
    } else {
        call
    }
}

/// The closure that looks for an error in what was returned.
fn error(request: &Request, private: &TokenStream) -> TokenStream {
    let condition = request.error_if.as_ref().map(|condition| {
        let condition = &condition.value.0;
        generated!(, #condition)
    });
    generated!(|__detective_output| #private::error_text!(__detective_output #condition))
}

fn fields(request: &Request, private: &TokenStream) -> Option<TokenStream> {
    let fields = &request.fields.as_ref()?.value;
    let fields = fields.iter().map(|field| add_field(field, request));
    Some(generated! {
        .with(|__detective_fields| {
            use #private::CapturedValue as _;
            #(#fields)*
        })
    })
}

fn add_field(field: &Field, request: &Request) -> TokenStream {
    let key = field.key.text();
    let expression = match &field.value {
        Some(value) => generated!((#value)),
        None => field.key.to_token_stream(),
    };
    // A complaint about the type of the expression belongs under the expression.
    let written = field
        .value
        .as_ref()
        .map_or_else(|| field.key.span(), syn::spanned::Spanned::span);
    let here = Span::mixed_site().located_at(written);
    let private = private_path_at(request, here);
    let value = match field.sigil {
        None => quote_spanned!(here=> (&&&&&&#private::Captured(&#expression)).__detective_value()),
        Some(Sigil::Display) => quote_spanned!(here=> #private::display(&#expression)),
        Some(Sigil::Debug) => quote_spanned!(here=> #private::debug(&#expression)),
    };
    generated!(__detective_fields.add(#key, #value);)
}

/// The type that a body gives, as it can be written inside of a function.
struct Returned {
    written: Type,
    /// The function does not return. `!` cannot be written here, so its body is given a type without values, and the
    /// call is matched against nothing.
    is_never: bool,
    /// Where the user wrote it.
    span: Span,
}

impl Returned {
    fn of(signature: &Signature) -> Self {
        let (written, is_never, span) = match &signature.output {
            ReturnType::Default => (parse_quote!(()), false, signature.ident.span()),
            ReturnType::Type(_, returned) if matches!(**returned, Type::Never(_)) => (
                parse_quote!(::core::convert::Infallible),
                true,
                returned.span(),
            ),
            ReturnType::Type(_, returned) => {
                let mut written = (**returned).clone();
                EraseOpaqueTypes.visit_type_mut(&mut written);
                (written, false, returned.span())
            }
        };
        Self {
            written,
            is_never,
            span,
        }
    }

    /// Tells the compiler the type that `return`, `?` and the last expression of an async block have to give, which
    /// cannot be written at the block. Nothing is ever returned here.
    fn expectation(&self) -> TokenStream {
        let written = &self.written;
        // Where the compiler says that this type was expected.
        let value = Ident::new("__detective_return", self.span);
        generated! {
            if let ::core::option::Option::Some(#value) = ::core::option::Option::None::<#written> {
                return #value;
            }
        }
    }
}

/// Replaces `impl Trait`, which only a signature may say, by `_`.
struct EraseOpaqueTypes;

impl VisitMut for EraseOpaqueTypes {
    fn visit_type_mut(&mut self, written: &mut Type) {
        if matches!(written, Type::ImplTrait(_)) {
            *written = parse_quote!(_);
        } else {
            visit_type_mut(self, written);
        }
    }
}
