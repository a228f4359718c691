//! `#[investigate]`: syntax only. What an investigated function does at run time is decided in the runtime crate.
//!
//! An attribute passes through four steps: `args` and `item` read it and what it stands on, `settings` and `model`
//! say what the user meant, `validate` applies the rules, `expand` writes the code. Mistakes are gathered on the way and reported
//! together, and the user's item is given back in any case.

mod args;
mod errors;
mod expand;
mod item;
mod model;
mod parameters;
mod returned;
mod settings;
mod site;
mod validate;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

/// Records every call of a function. Documented where it is re-exported, in the runtime crate.
///
/// With `DETECTIVE_PRINT_EXPANSION` in the compiler's environment, what it writes is printed.
#[proc_macro_attribute]
pub fn investigate(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let expanded = run(arguments.into(), item.into());
    if std::env::var_os("DETECTIVE_PRINT_EXPANSION").is_some() {
        #[expect(
            clippy::print_stderr,
            reason = "the compiler's output is where it was asked for"
        )]
        {
            eprintln!("{expanded}");
        }
    }
    expanded.into()
}

/// The attribute, outside of the compiler too.
fn run(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = errors::Errors::default();
    let settings = settings::Settings::new(args::parse(arguments, &mut errors), &mut errors);
    let parsed = match syn::parse2(item.clone()) {
        Ok(parsed) => parsed,
        Err(error) => {
            errors.push(error);
            return [item, errors.into_compile_errors()].into_iter().collect();
        }
    };
    let mut subject = model::Subject::new(parsed, settings, &mut errors);
    validate::validate(&subject, &mut errors);
    if errors.is_empty() {
        subject.inherit(&settings::Settings::default());
        expand::expand(&subject)
    } else {
        [expand::give_back(&subject), errors.into_compile_errors()]
            .into_iter()
            .collect()
    }
}
