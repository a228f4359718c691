//! The findings of a survey.

use crate::config::Diagnostic;

/// A finding and its severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) diagnostic: Diagnostic,
}

/// The severity of a finding, most severe first.
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
    /// Whether the finding is only a note.
    pub(crate) fn is_note(&self) -> bool {
        self.level == Level::Note
    }
}
