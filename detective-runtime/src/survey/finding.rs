//! What a survey finds.

use crate::config::Diagnostic;

/// Something that was found, and how much it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) diagnostic: Diagnostic,
}

/// How much a finding matters, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The program does not start.
    Error,
    /// Something does not do what it seems to do.
    Warning,
    /// Nothing is wrong.
    Note,
}

impl Finding {
    /// Whether nothing is wrong.
    pub(crate) fn is_note(&self) -> bool {
        self.level == Level::Note
    }
}
