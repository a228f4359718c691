//! A query whose text has been read.

use sqlx::error::BoxDynError;
use sqlx::{Arguments, Database, Execute, SqlStr, Statement};

/// Everything that an `Execute` gives to a driver. sqlx gives its text only when the query is
/// consumed.
pub(super) struct Captured<DB: Database> {
    text: SqlStr,
    statement: Option<DB::Statement>,
    /// Drivers take the arguments once.
    arguments: Result<Option<DB::Arguments>, BoxDynError>,
    persistent: bool,
}

impl<DB: Database> Captured<DB> {
    pub(super) fn new<'q>(mut query: impl Execute<'q, DB>) -> Self {
        let persistent = query.persistent();
        let arguments = query.take_arguments();
        let statement = query.statement().cloned();
        let text = match &statement {
            Some(statement) => statement.sql().clone(),
            None => query.sql(),
        };
        Self {
            text,
            statement,
            arguments,
            persistent,
        }
    }

    pub(super) fn text(&self) -> &str {
        self.text.as_str()
    }

    /// Whether the values are passed as arguments, not in the text.
    pub(super) fn is_parameterized(&self) -> bool {
        matches!(&self.arguments, Ok(Some(arguments)) if arguments.len() > 0)
    }
}

impl<DB: Database> Execute<'_, DB> for Captured<DB> {
    fn sql(self) -> SqlStr {
        self.text
    }

    fn statement(&self) -> Option<&DB::Statement> {
        self.statement.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}
