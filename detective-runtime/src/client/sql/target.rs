//! The database that receives the statements, as spans describe it.

use std::borrow::Cow;

use sqlx::{Connection, Database};

use super::captured::Captured;
use crate::client::query::{sanitize, summarize};
use crate::export::SpanKind;
use crate::trace::ClientSpan;
use crate::value::Value;

/// What every span to one database has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `db.system.name`.
    system: &'static str,
    /// The database's name, or a file's.
    namespace: String,
    /// Host and port, for a database outside of this process.
    address: Option<(String, u16)>,
}

/// A kind of database whose statements can be traced.
pub trait Traceable: Database {
    #[doc(hidden)]
    fn target(options: &<Self::Connection as Connection>::Options) -> Target;
}

#[cfg(feature = "sqlite")]
impl Traceable for sqlx::Sqlite {
    fn target(options: &sqlx::sqlite::SqliteConnectOptions) -> Target {
        let path = options.get_filename();
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy();
        Target {
            system: "sqlite",
            // sqlx numbers the databases in memory. The number is of no use to a reader.
            namespace: if name.starts_with("file:sqlx-in-memory-") {
                ":memory:".to_owned()
            } else {
                name.into_owned()
            },
            address: None,
        }
    }
}

/// Longest text of a statement that a span shows, in bytes. It is enough for handwritten
/// statements, but not for the placeholders of a bulk insert.
const LONGEST_TEXT: usize = 4096;

impl Target {
    /// The span of `query`.
    pub(super) fn start_query<DB: Database>(&self, query: &Captured<DB>) -> ClientSpan {
        // The text is parsed only when the span is recorded.
        let mut summary = String::new();
        let mut span = ClientSpan::start_with(SpanKind::Client, || {
            summary = summarize(query.text());
            if summary.is_empty() {
                Cow::Borrowed(self.system)
            } else {
                Cow::Owned(summary.clone())
            }
        });
        if span.is_recording() {
            let operation = summary.split(' ').next().unwrap_or_default().to_owned();
            self.describe(&mut span, operation);
            // The conventions allow texts with parameters to be shown unchanged, since their values
            // are not in the text.
            let mut text = if query.is_parameterized() {
                query.text().to_owned()
            } else {
                sanitize(query.text())
            };
            text.truncate(text.floor_char_boundary(LONGEST_TEXT));
            span.set("db.query.text", text);
            span.set("db.query.summary", summary);
        }
        span
    }

    /// The span of `BEGIN`, `COMMIT` or `ROLLBACK`.
    pub(super) fn start_control(&self, operation: &'static str) -> ClientSpan {
        let mut span = ClientSpan::start(operation, SpanKind::Client);
        if span.is_recording() {
            self.describe(&mut span, operation);
        }
        span
    }

    /// Sets the attributes that every span has.
    fn describe(&self, span: &mut ClientSpan, operation: impl Into<Value>) {
        span.set("db.system.name", self.system);
        span.set("db.operation.name", operation);
        span.set("db.namespace", self.namespace.clone());
        if let Some((host, port)) = &self.address {
            span.set("server.address", host.clone());
            span.set("server.port", *port);
        }
    }
}
