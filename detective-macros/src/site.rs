//! The facts of one function: who is called and where it stands, read in the user's crate.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use crate::model::Investigated;
use crate::settings::Settings;

/// The static that the linker collects.
pub(crate) fn callsite(
    investigated: &Investigated,
    private: &TokenStream,
    here: Span,
) -> TokenStream {
    let Investigated {
        function,
        settings,
        path,
        ..
    } = investigated;
    let ident = &function.signature.ident;
    let plain_name = path.rsplit("::").next().unwrap_or(path);
    let name = settings
        .name
        .as_ref()
        .map_or(plain_name, |name| &name.value);
    let options = options(settings, private, here);
    // With the span of the function's name, these are its file and line, not those of the attribute.
    let (file, line) = (
        quote_spanned!(ident.span()=> ::core::file!()),
        quote_spanned!(ident.span()=> ::core::line!()),
    );
    quote_spanned! {here=>
        static __DETECTIVE_CALLSITE: #private::Callsite = #private::Callsite::new(#private::Site {
            name: #name,
            function: #path,
            module: ::core::module_path!(),
            package: ::core::env!("CARGO_PKG_NAME"),
            version: ::core::env!("CARGO_PKG_VERSION"),
            file: #file,
            line: #line,
            options: #options,
        });
        #private::submit!(&__DETECTIVE_CALLSITE);
    }
}

/// What is given, one call for each: `Options::NONE.sample(0.1)`.
fn options(settings: &Settings, private: &TokenStream, here: Span) -> TokenStream {
    let mut options = quote_spanned!(here=> #private::Options::NONE);
    if let Some(slow) = &settings.slow {
        let (seconds, nanos) = (slow.value.as_secs(), slow.value.subsec_nanos());
        options =
            quote_spanned!(here=> #options.slow(::core::time::Duration::new(#seconds, #nanos)));
    }
    if let Some(sample) = &settings.sample {
        let sample = sample.value;
        options = quote_spanned!(here=> #options.sample(#sample));
    }
    if let Some(record) = &settings.record {
        let record = record.value;
        options = quote_spanned!(here=> #options.record(#record));
    }
    if let Some(spans) = &settings.spans {
        let spans = spans.value;
        options = quote_spanned!(here=> #options.spans(#spans));
    }
    if let Some(histogram) = &settings.histogram {
        let histogram = histogram.value;
        options = quote_spanned!(here=> #options.histogram(#histogram));
    }
    if let Some(buckets) = &settings.buckets {
        let bounds = buckets.value.iter().map(|bound| bound.value);
        options = quote_spanned!(here=> #options.buckets(&[#(#bounds),*]));
    }
    options
}
