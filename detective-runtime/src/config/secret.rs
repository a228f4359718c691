//! Texts that must not be shown: addresses with passwords, tokens, headers.

use std::fmt;

use figment::value::Value;

use super::setting::{Kind, Setting, Wrong};
use super::toml::{name_in_toml, parse_value, quoted};

/// A text that hides itself in `Debug`.
///
/// # Examples
///
/// ```
/// use detective::config::Secret;
///
/// let token = Secret::from("s3cret");
/// assert_eq!(format!("{token:?}"), "[hidden]");
/// assert_eq!(token.expose(), "s3cret");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[hidden]")
    }
}

/// A secret in TOML, as far as it may be shown: what has no place for a password is shown whole, of
/// an address the scheme, of a table the names.
pub(super) fn shown_secret(kind: Kind, toml: &str) -> String {
    let text = toml.trim_matches('"');
    if let (Kind::Table(_), Some(Value::Dict(_, entries))) = (kind, parse_value(toml)) {
        let names: Vec<String> = entries
            .keys()
            .map(|name| format!("{} = [hidden]", name_in_toml(name)))
            .collect();
        return format!("{{ {} }}", names.join(", "));
    }
    match text.split_once("://") {
        _ if text == "memory" || text.starts_with("sqlite:") => toml.to_owned(),
        Some((scheme, _)) => format!("\"{scheme}://[hidden]\""),
        None => "[hidden]".to_owned(),
    }
}

impl Setting for Secret {
    const KIND: Kind = Kind::Text;
    const EXPECTED: &'static str = String::EXPECTED;
    const SECRET: bool = true;

    fn read(value: &Value) -> Result<Self, Wrong> {
        String::read(value).map(Self)
    }

    /// Only for defaults, which are no secrets, and for [`shown_secret`].
    fn to_toml(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}
