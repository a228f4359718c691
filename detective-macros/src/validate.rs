//! Step three: the rules. Nothing here makes tokens; a broken rule underlines those that the user wrote.

use std::collections::HashSet;

use quote::ToTokens;
use syn::{Attribute, Safety, Signature};

use crate::args::{Field, FieldKey};
use crate::errors::Errors;
use crate::model::{Investigated, InvestigatedBlock, Subject};
use crate::settings::{Given, Settings};

/// Applies every rule to what the attribute stands on, and to what is asked for it.
pub(crate) fn validate(subject: &Subject, errors: &mut Errors) {
    match subject {
        Subject::Function(function) => check_function(function, errors),
        Subject::Block(block) => {
            check_block(block, errors);
            for member in &block.members {
                validate(member, errors);
            }
        }
        Subject::Untouched(_) => {}
    }
}

fn check_function(investigated: &Investigated, errors: &mut Errors) {
    check_signature(
        &investigated.function.signature,
        investigated.in_block,
        errors,
    );
    check_repeated(&investigated.repeated, errors);
    let settings = &investigated.settings;
    check_skip(settings, errors);
    if let Some(name) = &settings.name
        && name.value.trim().is_empty()
    {
        errors.add(&name.tokens, "a span needs a name that can be read");
    }
    if let Some(fields) = &settings.fields {
        check_fields(&fields.value, errors);
    }
    check_options(settings, errors);
}

/// What belongs to one function cannot be asked for all functions of a block.
fn check_block(block: &InvestigatedBlock, errors: &mut Errors) {
    check_repeated(&block.repeated, errors);
    let settings = &block.settings;
    check_skip(settings, errors);
    let own = [
        ("name", settings.name.as_ref().map(|given| &given.tokens)),
        (
            "fields",
            settings.fields.as_ref().map(|given| &given.tokens),
        ),
        (
            "error_if",
            settings.error_if.as_ref().map(|given| &given.tokens),
        ),
    ];
    for (key, tokens) in own {
        if let Some(tokens) = tokens {
            errors.add(
                tokens,
                format!("`{key}` belongs to one function: give it to that function's own `#[investigate]`"),
            );
        }
    }
    check_options(settings, errors);
}

fn check_repeated(repeated: &[Attribute], errors: &mut Errors) {
    for attribute in repeated {
        errors.add(
            attribute,
            "`#[investigate]` is given twice: one call is recorded once",
        );
    }
}

/// A `skip` that does its work is gone by now.
fn check_skip(settings: &Settings, errors: &mut Errors) {
    if let Some(skip) = &settings.skip {
        errors.add(
            &skip.tokens,
            "`skip` leaves something out of an investigated `impl` block, trait or module: here, remove the attribute",
        );
    }
}

fn check_signature(signature: &Signature, in_block: bool, errors: &mut Errors) {
    let way_out = if in_block {
        ", or leave it out with `#[investigate(skip)]`"
    } else {
        ""
    };
    let mut refuse =
        |token: &dyn ToTokens, reason: &str| errors.add(token, format!("{reason}{way_out}"));
    if let Some(token) = &signature.constness {
        refuse(
            token,
            "a `const fn` cannot be investigated: it may run in the compiler, where nothing can be recorded; investigate the functions that call it",
        );
    }
    if let Safety::Unsafe(token) = &signature.safety {
        refuse(
            token,
            "an `unsafe fn` cannot be investigated: its body would move into a closure, which is not unsafe; investigate the safe function around it",
        );
    }
    if let Some(token) = &signature.abi {
        refuse(
            token,
            "an `extern fn` cannot be investigated: its callers are not Rust; investigate the function that it calls",
        );
    }
    if let Some(token) = &signature.variadic {
        refuse(
            token,
            "a variadic function cannot be investigated: its arguments cannot move into a closure; investigate the functions that call it",
        );
    }
}

fn check_fields(fields: &[Field], errors: &mut Errors) {
    let mut seen = HashSet::new();
    for field in fields {
        let key = field.key.text();
        if key.trim().is_empty() {
            errors.add(&field.key, "a field needs a key that can be read");
        } else if !seen.insert(key.clone()) {
            errors.add(&field.key, format!("the field `{key}` is given twice"));
        }
        if let (FieldKey::Text(text), None) = (&field.key, &field.value) {
            errors.add(
                text,
                "a text is a key, and needs an expression: `\"key\" = expression`",
            );
        }
    }
}

fn check_options(settings: &Settings, errors: &mut Errors) {
    if let Some(sample) = &settings.sample
        && !(0.0..=1.0).contains(&sample.value)
    {
        errors.add(
            &sample.tokens,
            "expected a ratio between 0.0 (none) and 1.0 (all)",
        );
    }
    if let Some(slow) = &settings.slow
        && slow.value.is_zero()
    {
        errors.add(
            &slow.tokens,
            "expected a duration above zero: nothing is quicker than that",
        );
    }
    if let Some(buckets) = &settings.buckets {
        check_buckets(buckets, errors);
        if settings
            .histogram
            .as_ref()
            .is_some_and(|histogram| !histogram.value)
        {
            errors.add(
                &buckets.tokens,
                "without a histogram there are no buckets: remove one of the two",
            );
        }
    }
}

/// Prometheus wants the upper bounds of buckets in ascending order.
fn check_buckets(buckets: &Given<Vec<Given<f64>>>, errors: &mut Errors) {
    if buckets.value.is_empty() {
        errors.add(&buckets.tokens, "expected at least one bound, in seconds");
    }
    let mut previous = 0.0;
    for bound in &buckets.value {
        if bound.value <= 0.0 || !bound.value.is_finite() {
            errors.add(
                &bound.tokens,
                "expected a finite number of seconds above zero",
            );
        } else if bound.value <= previous {
            errors.add(
                &bound.tokens,
                format!("expected a bound above `{previous}`, the one before it"),
            );
        }
        previous = bound.value;
    }
}
