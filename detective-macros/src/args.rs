//! Step one, the arguments: `key`, `key = expression` and `fields(..)` as they are written, with their spans.
//!
//! A mistake in one argument is noted and the rest are still read, up to the next comma.

use proc_macro2::{Punct, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Ident, LitStr, Token, parenthesized, token};

use crate::errors::Errors;

/// One argument of the attribute.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    pub(crate) value: ArgValue,
}

/// What follows the key of an argument.
pub(crate) enum ArgValue {
    /// Nothing: `skip`.
    Absent,
    /// `= expression`
    Expr(Box<Expr>),
    /// `(field, ..)`
    Fields(Vec<Field>),
}

/// One entry of `fields(..)`: `key = expression`, `key = %expression`, or a variable alone.
pub(crate) struct Field {
    pub(crate) key: FieldKey,
    pub(crate) sigil: Option<Sigil>,
    /// `None`: the key is the expression.
    pub(crate) value: Option<Expr>,
}

/// The key of a field.
pub(crate) enum FieldKey {
    /// `user.id`, which may also be read as an expression.
    Dotted(TokenStream, String),
    /// `"user.id"`
    Text(LitStr),
}

/// How the value of a field is turned into text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sigil {
    /// `%`
    Display,
    /// `?`
    Debug,
}

impl FieldKey {
    /// The key as it is recorded.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Dotted(_, text) => text.clone(),
            Self::Text(text) => text.value(),
        }
    }
}

impl ToTokens for FieldKey {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Dotted(path, _) => path.to_tokens(tokens),
            Self::Text(text) => text.to_tokens(tokens),
        }
    }
}

/// Reads the arguments. Of those with a mistake, nothing is returned but the mistake.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Vec<Arg> {
    let parser = |input: ParseStream<'_>| Ok(separated(input, errors, parse_arg));
    // The parser consumes everything and keeps its mistakes to itself, so that it cannot fail.
    parser.parse2(tokens).unwrap_or_default()
}

/// Reads what stands between commas, and goes on after a mistake at the next comma.
fn separated<T>(
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut parse: impl FnMut(ParseStream<'_>, &mut Errors) -> syn::Result<T>,
) -> Vec<T> {
    let mut list = Vec::new();
    while !input.is_empty() {
        match parse(input, errors) {
            Ok(_) if !input.is_empty() && !input.peek(Token![,]) => {
                errors.push(input.error("expected `,` before the next argument"));
            }
            Ok(entry) => list.push(entry),
            Err(error) => errors.push(error),
        }
        while !input.is_empty() && !input.peek(Token![,]) {
            let _ = input.parse::<TokenTree>();
        }
        let _ = input.parse::<Token![,]>();
    }
    list
}

fn parse_arg(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Arg> {
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        let message = format!(
            "a text alone is no argument: did you mean `name = {:?}`?",
            text.value()
        );
        return Err(syn::Error::new_spanned(text, message));
    }
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected an argument such as `name = \"..\"` or `fields(..)`"));
    }
    let key = input.call(Ident::parse_any)?;
    let value = if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        if key == "fields" {
            ArgValue::Fields(separated(&content, errors, |input, _| parse_field(input)))
        } else {
            content.parse::<TokenStream>()?;
            ArgValue::Fields(Vec::new())
        }
    } else if input.peek(Token![=]) {
        let equals = input.parse::<Token![=]>()?;
        ArgValue::Expr(Box::new(parse_value(input, &equals)?))
    } else {
        ArgValue::Absent
    };
    Ok(Arg { key, value })
}

fn parse_field(input: ParseStream<'_>) -> syn::Result<Field> {
    let leading = parse_sigil(input)?;
    let whole = input.fork();
    let key = parse_field_key(input)?;
    let more_follows = !input.is_empty() && !input.peek(Token![,]) && !input.peek(Token![=]);
    if more_follows && let Ok(expression) = whole.parse::<Expr>() {
        return Err(syn::Error::new_spanned(
            expression,
            "an expression needs a key: `key = expression`",
        ));
    }
    if !input.peek(Token![=]) {
        return Ok(Field {
            key,
            sigil: leading.map(|(sigil, _)| sigil),
            value: None,
        });
    }
    if let Some((_, token)) = leading {
        return Err(syn::Error::new_spanned(
            &token,
            format!("the sigil belongs to the value: `key = {token}expression`"),
        ));
    }
    let equals = input.parse::<Token![=]>()?;
    let sigil = parse_sigil(input)?.map(|(sigil, _)| sigil);
    let value = parse_value(input, &equals)?;
    Ok(Field {
        key,
        sigil,
        value: Some(value),
    })
}

fn parse_field_key(input: ParseStream<'_>) -> syn::Result<FieldKey> {
    if input.peek(syn::LitStr) {
        return Ok(FieldKey::Text(input.parse()?));
    }
    if !input.peek(Ident::peek_any) {
        return Err(
            input.error("expected a variable, or a key with its expression: `fields(user_id, toys = cart.len())`")
        );
    }
    let mut tokens = TokenStream::new();
    let mut text = String::new();
    loop {
        let part = input.call(Ident::parse_any)?;
        text.push_str(&part.unraw().to_string());
        part.to_tokens(&mut tokens);
        if !input.peek(Token![.]) || input.peek(Token![..]) {
            return Ok(FieldKey::Dotted(tokens, text));
        }
        input.parse::<Token![.]>()?.to_tokens(&mut tokens);
        text.push('.');
    }
}

fn parse_sigil(input: ParseStream<'_>) -> syn::Result<Option<(Sigil, Punct)>> {
    let sigil = if input.peek(Token![%]) {
        Sigil::Display
    } else if input.peek(Token![?]) {
        Sigil::Debug
    } else {
        return Ok(None);
    };
    Ok(Some((sigil, input.parse()?)))
}

/// The expression after `=`; when it is missing, the mistake is under the `=`.
fn parse_value(input: ParseStream<'_>, equals: &Token![=]) -> syn::Result<Expr> {
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new_spanned(
            equals,
            "expected a value after `=`",
        ));
    }
    input.parse()
}
