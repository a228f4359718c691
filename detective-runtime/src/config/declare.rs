//! How a key of `detective.toml` is declared: once, with everything that there is to know about it.
//!
//! [`section!`] takes a table of the file as a list of keys and makes from it the struct, its
//! defaults, the way it is read, and the description ([`Section`]) that the diagnostics, the
//! reference text and the commands use.

use figment::value::{Dict, Value};

use super::check::Check;
use super::setting::{Kind, Setting, Wrong};

/// A table of `detective.toml` with its keys, in the order of the reference text.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Section {
    /// The table's name. It is empty for [`Rule`](super::Rule), because patterns name those tables.
    pub name: &'static str,
    /// What the section is about.
    pub docs: String,
    /// Its keys.
    pub keys: Vec<Key>,
}

impl Section {
    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// The declaration of a key of `detective.toml`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Key {
    /// Its name within the section.
    pub name: &'static str,
    /// What it means, in which unit, and what zero or absence does.
    pub docs: String,
    /// What kind of value it takes.
    pub kind: Kind,
    /// The accepted values in words, as error messages say them.
    pub expected: &'static str,
    /// The minimum and the maximum of a number, if it has limits.
    pub range: Option<(f64, Option<f64>)>,
    /// The default, written as in the file; `None` for a key that is absent by default.
    pub default: Option<String>,
    /// An example, written as in the file, if the default is not clear enough.
    pub example: Option<&'static str>,
    /// Whether a running service applies a new value.
    pub effect: Effect,
    /// Whether the value is a secret: it is never shown, and `<key>_file` can name a file that holds it.
    pub secret: bool,
    /// What the type asks for, and what the check asks for.
    verify: (Verify, Option<Verify>),
    /// The value as the file would have it, however it was written.
    canonical: fn(&Value) -> Option<String>,
}

/// Tells what is wrong with a value, if anything is.
type Verify = fn(&Value) -> Result<(), Wrong>;

/// When a changed value takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// With the next request after the file was read again.
    Live,
    /// When the program is started again.
    Restart,
}

impl Key {
    pub(super) fn new<T: Setting>(
        name: &'static str,
        docs: &str,
        default: &T,
        effect: Effect,
        check: Option<&Check>,
        example: Option<&'static str>,
    ) -> Self {
        Self {
            name,
            docs: unindent(docs),
            kind: T::KIND,
            expected: check.map_or(T::EXPECTED, |check| check.expected),
            range: check.and_then(|check| check.range),
            default: default.to_toml(),
            example,
            effect,
            secret: T::SECRET,
            verify: (
                |value| T::read(value).map(drop),
                check.map(|check| check.verify),
            ),
            canonical: |value| T::read(value).ok()?.to_toml(),
        }
    }

    /// What holds for the key when this is its value, or when it has none, as the file would have
    /// it: equal texts mean the same. It shows secrets.
    pub(super) fn canonical(&self, value: Option<&Value>) -> Option<String> {
        match value {
            Some(value) => (self.canonical)(value),
            None => self.default.clone(),
        }
    }

    /// Tells what is wrong with a value for this key, if anything is.
    pub(super) fn verify(&self, value: &Value) -> Result<(), Wrong> {
        let whole = |mut wrong: Wrong| {
            // What a check expects of the whole value says more than the type's own words.
            if wrong.at.is_none() {
                wrong.expected = self.expected;
            }
            wrong
        };
        let (of_type, of_check) = self.verify;
        of_type(value).map_err(whole)?;
        of_check.map_or(Ok(()), |verify| verify(value).map_err(whole))
    }
}

/// Removes the space that doc comments begin with, and the line end after the last line.
pub(super) fn unindent(docs: &str) -> String {
    let lines: Vec<&str> = docs
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}

/// What [`section!`] makes of a declaration.
pub(super) trait Declared: Sized {
    /// The section with all its keys.
    fn section() -> Section;

    /// Reads the section from merged values, each of which [`Key::verify`] has accepted; absent
    /// keys have their default.
    fn read(values: &Dict) -> Self;

    /// The values of all keys in their order, as they would be written in the file.
    fn values(&self) -> Vec<Option<String>>;
}

/// Declares a section: `effect name: type = default`, then `check` and `example` where needed.
///
/// `effect` is `live` or `restart` ([`Effect`]). The doc comments become the rustdoc of the fields
/// and the comments of the reference text.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $Section:ident in $table:literal {
            $(
                $(#[doc = $doc:literal])+
                $effect:ident $key:ident: $Type:ty = $default:expr
                    $(, check $check:ident)? $(, example $example:literal)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $Section {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")]
                pub $key: $Type,
            )+
        }

        impl Default for $Section {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }

        impl $crate::config::declare::Declared for $Section {
            fn section() -> $crate::config::declare::Section {
                let default = Self::default();
                $crate::config::declare::Section {
                    name: $table,
                    docs: $crate::config::declare::unindent(concat!($($about, "\n"),+)),
                    keys: vec![$(
                        $crate::config::declare::Key::new::<$Type>(
                            stringify!($key),
                            concat!($($doc, "\n"),+),
                            &default.$key,
                            $crate::config::declare::effect!($effect),
                            $crate::config::declare::optional!($(&$crate::config::check::$check)?),
                            $crate::config::declare::optional!($($example)?),
                        ),
                    )+],
                }
            }

            fn values(&self) -> Vec<Option<String>> {
                vec![$(<$Type as $crate::config::setting::Setting>::to_toml(&self.$key),)+]
            }

            fn read(values: &figment::value::Dict) -> Self {
                let mut section = Self::default();
                $(
                    if let Some(Ok(value)) = values
                        .get(stringify!($key))
                        .map(<$Type as $crate::config::setting::Setting>::read)
                    {
                        section.$key = value;
                    }
                )+
                section
            }
        }
    };
}

/// The [`Effect`] that a declaration names.
macro_rules! effect {
    (live) => {
        $crate::config::declare::Effect::Live
    };
    (restart) => {
        $crate::config::declare::Effect::Restart
    };
}

/// `Some` of what a declaration gives, `None` where it gives nothing.
macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

pub(super) use effect;
pub(super) use optional;
pub(super) use section;
