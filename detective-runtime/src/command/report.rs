//! How the commands say what they found: coloured or plain text for people, JSON for machines.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::config::{Diagnostic, Place};
use crate::survey::{Finding, Level};

/// The exit code when all is well.
const FINE: u8 = 0;
/// The exit code when something was found.
const FOUND: u8 = 1;
/// The exit code when the command line is wrong.
pub(super) const USAGE: u8 = 2;

/// What a command prints, and its exit code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) code: u8,
    pub(super) text: String,
}

/// For whom the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text(Style),
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Coloured,
    Plain,
}

/// What a part of the text is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ink {
    Error,
    Warning,
    Note,
    Good,
    Heading,
    Faint,
}

impl Output {
    pub(super) fn fine(text: String) -> Self {
        Self { code: FINE, text }
    }

    pub(super) fn usage(message: &str) -> Self {
        Self {
            code: USAGE,
            text: format!("error: {message}\n  `detective --help` explains the commands\n"),
        }
    }

    pub(super) fn new(is_fine: bool, text: String) -> Self {
        let code = if is_fine { FINE } else { FOUND };
        Self { code, text }
    }

    pub(super) fn json(is_fine: bool, value: &Value) -> Self {
        Self::new(is_fine, format!("{value:#}\n"))
    }

    /// Something that a command could not do.
    pub(super) fn failed(format: Format, message: &str) -> Self {
        match format {
            Format::Json => Self::json(false, &json!({ "ok": false, "error": message })),
            Format::Text(style) => Self::new(
                false,
                format!("{} {message}\n", style.ink(Ink::Error, "error:")),
            ),
        }
    }
}

impl Style {
    /// The text in the colour of what it is (ANSI, ECMA-48 SGR).
    pub(super) fn ink(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            _ if self == Self::Plain => return text.to_owned(),
            Ink::Error => "1;31",
            Ink::Warning => "1;33",
            Ink::Note => "1;36",
            Ink::Good => "1;32",
            Ink::Heading => "1",
            Ink::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Writes a finding, as the compiler would.
    pub(super) fn write(self, text: &mut String, finding: &Finding) {
        let (word, ink) = match finding.level {
            Level::Error => ("error:", Ink::Error),
            Level::Warning => ("warning:", Ink::Warning),
            Level::Note => ("note:", Ink::Note),
        };
        let Diagnostic {
            place,
            message,
            help,
        } = &finding.diagnostic;
        let place = self.ink(Ink::Heading, &format!("{place}:"));
        let _ = writeln!(text, "{} {place} {message}", self.ink(ink, word));
        if let Some(help) = help {
            let _ = writeln!(text, "  {help}");
        }
    }
}

/// A finding for machines.
pub(super) fn to_json(finding: &Finding) -> Value {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    json!({
        "level": level,
        "place": place_to_json(&finding.diagnostic.place),
        "message": finding.diagnostic.message,
        "help": finding.diagnostic.help,
    })
}

/// A place for machines.
pub(super) fn place_to_json(place: &Place) -> Value {
    match place {
        Place::Default => json!({ "kind": "default" }),
        Place::File { path, line, column } => {
            json!({ "kind": "file", "path": path, "line": line, "column": column })
        }
        Place::Variable(name) => json!({ "kind": "variable", "name": name }),
        Place::Program(call) => json!({ "kind": "program", "call": call }),
    }
}

/// `1 warning`, `2 warnings`.
pub(super) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
