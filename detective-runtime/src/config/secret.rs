//! Texts that must not be shown: addresses with passwords, tokens, headers.

use std::fmt;

use figment::value::Value;

use super::setting::{Kind, Setting, Wrong};
use super::toml::quoted;

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

impl Setting for Secret {
    const KIND: Kind = Kind::Text;
    const EXPECTED: &'static str = String::EXPECTED;
    const SECRET: bool = true;

    fn read(value: &Value) -> Result<Self, Wrong> {
        String::read(value).map(Self)
    }

    /// Used for defaults only, which are no secrets.
    fn to_toml(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}
