//! Mistakes in the configuration, each with its place.

use std::fmt;
use std::path::PathBuf;

use figment::value::Value;

use super::declare::Key;
use super::setting::{Kind, Part, Wrong};
use super::toml::rendered;

/// All mistakes in the configuration.
///
/// `Debug` prints the same readable list as `Display`, because a `main` that returns an error prints it
/// with `Debug`.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConfigError {
    diagnostics: Vec<Diagnostic>,
}

/// One mistake or warning, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Where the mistake is.
    pub place: Place,
    /// What is wrong and what was expected.
    pub message: String,
    /// What is accepted, if the message does not say it.
    pub help: Option<String>,
}

/// Where a value of the configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// The key's default.
    Default,
    /// The config file.
    File {
        /// Its path. It is relative if the file is below the working directory.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A call of the program to its [`Loader`](super::Loader), such as `set("tracing.sample")`.
    Program(String),
}

impl ConfigError {
    pub(crate) fn new(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics }
    }

    /// Loading came to no end.
    pub(crate) fn not_loaded(error: &dyn std::error::Error) -> Self {
        let place = Place::Program("reload()".to_owned());
        let message = format!("the configuration could not be loaded: {error}");
        Self::new(vec![Diagnostic::new(place, message)])
    }

    /// All mistakes: those of the file in its order, then those of the environment.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.diagnostics.len() {
            1 => write!(formatter, "the configuration has a mistake")?,
            count => write!(formatter, "the configuration has {count} mistakes")?,
        }
        self.diagnostics
            .iter()
            .try_for_each(|diagnostic| write!(formatter, "\n{diagnostic}"))
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)?;
        match &self.help {
            Some(help) => write!(formatter, "\n  {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line, column } => {
                write!(formatter, "{}:{line}:{column}", path.display())
            }
            Self::Variable(name) | Self::Program(name) => formatter.write_str(name),
        }
    }
}

impl Diagnostic {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            help: None,
        }
    }

    /// A name that is not among the known ones. `what` says it in full: "unknown key `sampel` in
    /// [tracing]".
    pub(super) fn unknown(place: Place, what: &str, name: &str, known: &[&str]) -> Self {
        let message = match nearest(name, known) {
            Some(near) => format!("{what}, did you mean `{near}`?"),
            None => what.to_owned(),
        };
        let help = Some(format!("accepted: {}", known.join(", ")));
        Self {
            place,
            message,
            help,
        }
    }

    /// A value that its key does not accept. `name` is the key in full: `tracing.sample`.
    pub(super) fn wrong_value(
        place: Place,
        name: &str,
        key: &Key,
        value: &Value,
        wrong: &Wrong,
    ) -> Self {
        let part = match &wrong.at {
            None => Some(value),
            Some(Part::Item(index)) => value.as_array().and_then(|items| items.get(*index)),
            Some(Part::Entry(entry)) => value.as_dict().and_then(|entries| entries.get(entry)),
            Some(Part::Name(_)) => None,
        };
        let shown = match part {
            _ if key.secret => hidden(value),
            Some(part) => shortened(without_user(rendered(part))),
            None => String::new(),
        };
        let expected = wrong.expected;
        let mut message = match &wrong.at {
            None => format!("`{name}` is `{shown}`, expected {expected}"),
            Some(Part::Item(_)) => format!("`{name}` holds `{shown}`, expected {expected}"),
            // `a.b = 1` is a table `a` to TOML, where a name `"a.b"` was meant.
            Some(Part::Entry(entry)) if part.is_some_and(|part| part.as_dict().is_some()) => {
                format!(
                    "`{name}` has a table for `{entry}`, expected {expected}; a name with dots needs quotes"
                )
            }
            Some(Part::Entry(entry)) => {
                format!("`{name}` has `{shown}` for `{entry}`, expected {expected}")
            }
            // A value that was written where the name stands may be the secret.
            Some(Part::Name(entry)) => match entry.find(':').filter(|_| key.secret) {
                Some(end) => format!(
                    "`{name}` has the name `{}[hidden]`, expected {expected}",
                    &entry[..=end]
                ),
                None => format!("`{name}` has the name `{entry}`, expected {expected}"),
            },
        };
        if let (Kind::Choice(choices), Some(text)) = (key.kind, value.as_str())
            && let Some(near) = nearest(text, choices)
        {
            message.push_str(&format!(", did you mean \"{near}\"?"));
        }
        Self::new(place, message)
    }
}

/// The known name that is closest to what was written, if any is close.
pub(crate) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    // 0.8 keeps one slip in a short word and two or three in a long one, and refuses the rest.
    const CLOSE: f64 = 0.8;
    let written = written.to_lowercase().replace('-', "_");
    let closeness = |name: &str| strsim::jaro_winkler(&written, &name.replace('-', "_"));
    known
        .iter()
        .map(|name| (closeness(name), *name))
        .filter(|(closeness, _)| *closeness >= CLOSE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

/// A secret as far as it can be shown: the scheme of an address is not the secret part of it.
fn hidden(value: &Value) -> String {
    let scheme = value.as_str().and_then(|text| text.split_once("://"));
    match scheme {
        Some((scheme, _)) => format!("\"{scheme}://[hidden]\""),
        None => "[hidden]".to_owned(),
    }
}

/// A text without what may be the user and the password of an address, which stand before its last
/// `@`.
pub(super) fn without_user(text: String) -> String {
    let Some((before, rest)) = text.rsplit_once('@') else {
        return text;
    };
    let kept = before.find("://").map_or(0, |scheme| scheme + "://".len());
    let quote = usize::from(kept == 0 && before.starts_with('"'));
    format!("{}[hidden]@{rest}", &before[..kept + quote])
}

/// Long values end in dots; what was wrong with them is said by what was expected.
fn shortened(text: String) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
