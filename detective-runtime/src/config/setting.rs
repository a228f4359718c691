//! The types that a key can have: how each is read from a value, and how it is written in TOML.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use figment::value::Value;
use ipnet::IpNet;
use jiff::SignedDuration;

use super::toml::{grouped, name_in_toml, quoted};

/// What kind of value a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number, 0 or more.
    Integer,
    /// A number.
    Float,
    /// A text.
    Text,
    /// A text with a unit: `"250ms"`, `"1s"`, `"2m"`.
    Duration,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A list of such values.
    List(&'static Kind),
    /// A table from names to such values.
    Table(&'static Kind),
}

/// The type of a key.
pub(super) trait Setting: Sized {
    /// The kind of value in the file.
    const KIND: Kind;
    /// The accepted values in words, to follow "expected".
    const EXPECTED: &'static str;
    /// Whether the value must not be shown.
    const SECRET: bool = false;

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// When the value is of another kind or cannot be understood.
    fn read(value: &Value) -> Result<Self, Wrong>;

    /// The value as it is written in the file; `None` when there is none.
    fn to_toml(&self) -> Option<String>;
}

/// What was expected instead of a value, or of a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The part that is wrong; `None` for all of it.
    pub(super) at: Option<Part>,
    /// What was expected there.
    pub(super) expected: &'static str,
}

/// A part of a list or a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// The element at this index of a list.
    Item(usize),
    /// The value of this name in a table.
    Entry(String),
    /// The name itself.
    Name(String),
}

impl Wrong {
    /// The whole value is wrong.
    pub(super) fn whole(expected: &'static str) -> Self {
        Self { at: None, expected }
    }

    /// One part of the value is wrong.
    pub(super) fn part(at: Part, expected: &'static str) -> Self {
        Self {
            at: Some(at),
            expected,
        }
    }
}

impl Setting for bool {
    const KIND: Kind = Kind::Bool;
    const EXPECTED: &'static str = "`true` or `false`";

    fn read(value: &Value) -> Result<Self, Wrong> {
        value.to_bool().ok_or(Wrong::whole(Self::EXPECTED))
    }

    fn to_toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for u64 {
    const KIND: Kind = Kind::Integer;
    const EXPECTED: &'static str = "a whole number, 0 or more";

    fn read(value: &Value) -> Result<Self, Wrong> {
        whole_number(value)
            .and_then(|number| number.try_into().ok())
            .ok_or(Wrong::whole(Self::EXPECTED))
    }

    fn to_toml(&self) -> Option<String> {
        Some(grouped(*self))
    }
}

impl Setting for usize {
    const KIND: Kind = u64::KIND;
    const EXPECTED: &'static str = u64::EXPECTED;

    fn read(value: &Value) -> Result<Self, Wrong> {
        let number = u64::read(value)?;
        number.try_into().map_err(|_| Wrong::whole(Self::EXPECTED))
    }

    fn to_toml(&self) -> Option<String> {
        (*self as u64).to_toml()
    }
}

impl Setting for f64 {
    const KIND: Kind = Kind::Float;
    const EXPECTED: &'static str = "a number";

    fn read(value: &Value) -> Result<Self, Wrong> {
        number(value).ok_or(Wrong::whole(Self::EXPECTED))
    }

    fn to_toml(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

impl Setting for String {
    const KIND: Kind = Kind::Text;
    const EXPECTED: &'static str = "a text in quotes";

    fn read(value: &Value) -> Result<Self, Wrong> {
        match value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(Wrong::whole(Self::EXPECTED)),
        }
    }

    fn to_toml(&self) -> Option<String> {
        Some(quoted(self))
    }
}

impl Setting for Duration {
    const KIND: Kind = Kind::Duration;
    const EXPECTED: &'static str = "a duration with its unit, such as \"250ms\", \"1s\" or \"2m\"";

    fn read(value: &Value) -> Result<Self, Wrong> {
        value
            .as_str()
            .and_then(|text| text.parse::<SignedDuration>().ok())
            .and_then(|duration| duration.try_into().ok())
            .ok_or(Wrong::whole(Self::EXPECTED))
    }

    fn to_toml(&self) -> Option<String> {
        let duration = SignedDuration::try_from(*self).unwrap_or(SignedDuration::MAX);
        Some(format!("\"{duration:#}\""))
    }
}

/// Settings that are texts with a `FromStr` and a `Display` of their own.
macro_rules! parsed_text {
    ($Type:ty, $expected:literal) => {
        impl Setting for $Type {
            const KIND: Kind = Kind::Text;
            const EXPECTED: &'static str = $expected;

            fn read(value: &Value) -> Result<Self, Wrong> {
                value
                    .as_str()
                    .and_then(|text| text.parse().ok())
                    .ok_or(Wrong::whole(Self::EXPECTED))
            }

            fn to_toml(&self) -> Option<String> {
                Some(quoted(&self.to_string()))
            }
        }
    };
}

parsed_text!(
    SocketAddr,
    "an address with a port, such as \"127.0.0.1:9464\""
);
parsed_text!(IpNet, "an address range, such as \"10.0.0.0/8\"");

impl<T: Setting> Setting for Option<T> {
    const KIND: Kind = T::KIND;
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;

    fn read(value: &Value) -> Result<Self, Wrong> {
        T::read(value).map(Some)
    }

    fn to_toml(&self) -> Option<String> {
        self.as_ref().and_then(T::to_toml)
    }
}

impl<T: Setting> Setting for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);
    const EXPECTED: &'static str = "a list";

    fn read(value: &Value) -> Result<Self, Wrong> {
        let items = value.as_array().ok_or(Wrong::whole(Self::EXPECTED))?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                T::read(item).map_err(|wrong| Wrong::part(Part::Item(index), wrong.expected))
            })
            .collect()
    }

    /// On one line, however long, so that removing one `#` is enough to change it.
    fn to_toml(&self) -> Option<String> {
        let items: Vec<String> = self.iter().filter_map(T::to_toml).collect();
        Some(format!("[{}]", items.join(", ")))
    }
}

impl<T: Setting> Setting for BTreeMap<String, T> {
    const KIND: Kind = Kind::Table(&T::KIND);
    const EXPECTED: &'static str = "a table";
    const SECRET: bool = T::SECRET;

    fn read(value: &Value) -> Result<Self, Wrong> {
        let entries = value.as_dict().ok_or(Wrong::whole(Self::EXPECTED))?;
        entries
            .iter()
            .map(|(name, value)| match T::read(value) {
                Ok(value) => Ok((name.clone(), value)),
                Err(wrong) => Err(Wrong::part(Part::Entry(name.clone()), wrong.expected)),
            })
            .collect()
    }

    fn to_toml(&self) -> Option<String> {
        let entries: Vec<String> = self
            .iter()
            .filter_map(|(name, value)| {
                Some(format!("{} = {}", name_in_toml(name), value.to_toml()?))
            })
            .collect();
        if entries.is_empty() {
            Some("{}".to_owned())
        } else {
            Some(format!("{{ {} }}", entries.join(", ")))
        }
    }
}

/// Declares an enum whose variants are written as texts.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        pub enum $Choice:ident {
            $( $(#[doc = $doc:literal])+ $Variant:ident = $text:literal, )+
        }
        expected $expected:literal
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Choice {
            $( $(#[doc = $doc])+ $Variant, )+
        }

        impl $crate::config::setting::Setting for $Choice {
            const KIND: $crate::config::setting::Kind =
                $crate::config::setting::Kind::Choice(&[$($text),+]);
            const EXPECTED: &'static str = $expected;

            fn read(
                value: &figment::value::Value,
            ) -> Result<Self, $crate::config::setting::Wrong> {
                match value.as_str() {
                    $( Some($text) => Ok(Self::$Variant), )+
                    _ => Err($crate::config::setting::Wrong::whole(Self::EXPECTED)),
                }
            }

            fn to_toml(&self) -> Option<String> {
                let text = match self { $( Self::$Variant => $text, )+ };
                Some($crate::config::toml::quoted(text))
            }
        }
    };
}

pub(super) use choice;

/// Any number as a float.
pub(super) fn number(value: &Value) -> Option<f64> {
    let whole = || whole_number(value).map(|number| number as f64);
    value.to_f64().or_else(whole)
}

/// Any whole number: figment tells signed and unsigned ones apart.
pub(super) fn whole_number(value: &Value) -> Option<i128> {
    let unsigned = || value.to_u128()?.try_into().ok();
    value.to_i128().or_else(unsigned)
}
