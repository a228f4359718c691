//! One value with its place: what every source is taken apart into before the sources are merged.

use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::declare::{Key, Section};
use super::diagnostic::{Diagnostic, Place};
use super::setting::Kind;
use super::{RULE_TABLES, section, sections, toml};

/// A value for one key, from one place.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// `["tracing", "sample"]` or `["routes", "/users/*", "sample"]`.
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    pub(super) place: Place,
    /// The profile of the file in which it stands; `None`: it always holds.
    pub(super) profile: Option<String>,
}

impl Entry {
    /// An entry that holds in every profile.
    pub(super) fn new(section: &str, key: &str, value: Value, place: Place) -> Self {
        Self {
            path: vec![section.to_owned(), key.to_owned()],
            value,
            place,
            profile: None,
        }
    }

    /// Whether it is for this key, or for a part of it.
    pub(super) fn is(&self, key: &[&str]) -> bool {
        self.path
            .iter()
            .map(String::as_str)
            .take(key.len())
            .eq(key.iter().copied())
    }

    /// An entry for a key that is given as text by a variable or by the program. A key of a secret
    /// with `_file` at its end takes the path of a file instead.
    pub(super) fn from_text(
        section_name: &str,
        key_name: &str,
        text: &str,
        place: Place,
        directory: &Path,
    ) -> Result<Self, Diagnostic> {
        let Some(section) = section(section_name) else {
            return Err(unknown_section(section_name, place));
        };
        if let Some(key) = secret_file(section, key_name) {
            let value = read_secret(section, key, text, directory)
                .map_err(|message| Diagnostic::new(place.clone(), message))?;
            return Self::checked(section, key, value, place);
        }
        let (name, entry) = match key_name.split_once("__") {
            Some((name, entry)) => (name, Some(entry)),
            None => (key_name, None),
        };
        match (section.key(name), entry) {
            (Some(key), None) => Self::checked(section, key, value_of(key.kind, text), place),
            (Some(key), Some(entry)) if matches!(key.kind, Kind::Table(_)) => {
                let entries = Dict::from([(entry.to_owned(), Value::from(text))]);
                Self::checked(section, key, Value::from(entries), place)
            }
            _ => Err(unknown_key(section, key_name, place)),
        }
    }

    fn checked(
        section: &Section,
        key: &Key,
        value: Value,
        place: Place,
    ) -> Result<Self, Diagnostic> {
        match key.verify(&value) {
            Ok(()) => Ok(Self::new(section.name, key.name, value, place)),
            Err(wrong) => {
                let name = format!("{}.{}", section.name, key.name);
                Err(Diagnostic::wrong_value(place, &name, key, &value, &wrong))
            }
        }
    }
}

/// Lets figment merge entries one after the other.
impl Provider for Entry {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.place.to_string())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        let nested = self
            .path
            .iter()
            .rev()
            .fold(self.value.clone(), |value, name| {
                Value::from(Dict::from([(name.clone(), value)]))
            });
        let dict = nested.into_dict().unwrap_or_default();
        Ok(Profile::Default.collect(dict))
    }
}

/// The secret that `<key>_file` reads from a file, if this is such a name.
pub(super) fn secret_file<'a>(section: &'a Section, name: &str) -> Option<&'a Key> {
    let key = section.key(name.strip_suffix("_file")?)?;
    (key.secret && key.kind == Kind::Text).then_some(key)
}

/// Reads a secret from a file, without the line end that editors leave. The error is a message.
pub(super) fn read_secret(
    section: &Section,
    key: &Key,
    path: &str,
    directory: &Path,
) -> Result<Value, String> {
    match std::fs::read_to_string(directory.join(path)) {
        Ok(text) => Ok(Value::from(text.trim_end_matches(['\r', '\n']))),
        Err(error) => Err(format!(
            "`{path}` cannot be read ({error}), expected a file that holds `{}.{}`",
            section.name, key.name
        )),
    }
}

/// The diagnostic for a section that does not exist.
pub(super) fn unknown_section(name: &str, place: Place) -> Diagnostic {
    let mut known: Vec<&str> = sections().iter().map(|section| section.name).collect();
    known.extend(RULE_TABLES);
    known.push("profile");
    Diagnostic::unknown(place, &format!("unknown section [{name}]"), name, &known)
}

/// The diagnostic for a key that does not exist in its section.
pub(super) fn unknown_key(section: &Section, name: &str, place: Place) -> Diagnostic {
    let known: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
    let what = format!("unknown key `{name}` in [{}]", section.name);
    Diagnostic::unknown(place, &what, name, &known)
}

/// A value that is given as text. Text of the wrong form stays text, for the check to refuse.
fn value_of(kind: Kind, text: &str) -> Value {
    let words = || {
        text.split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
    };
    let parsed = match kind {
        Kind::Text | Kind::Duration | Kind::Choice(_) => None,
        Kind::Bool => text.to_ascii_lowercase().parse().ok().map(bool::into),
        Kind::Integer => text.parse().ok().map(u64::into),
        Kind::Float => text.parse().ok().map(f64::into),
        Kind::List(_) if text.starts_with('[') => toml::parse_value(text),
        Kind::List(item) => {
            let items: Vec<Value> = words().map(|word| value_of(*item, word)).collect();
            Some(items.into())
        }
        Kind::Table(_) if text.starts_with('{') => toml::parse_value(text),
        Kind::Table(item) => words()
            .map(|word| {
                let (name, value) = word.split_once('=')?;
                Some((name.trim().to_owned(), value_of(*item, value.trim())))
            })
            .collect::<Option<Dict>>()
            .map(Value::from),
    };
    parsed.unwrap_or_else(|| Value::from(text))
}
