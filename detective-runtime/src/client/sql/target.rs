//! The database that statements go to, as spans name it.

use sqlx::{Connection, Database};

use super::captured::Captured;
use crate::client::query::{sanitize, summarize};
use crate::export::SpanKind;
use crate::trace::ClientSpan;

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
            // sqlx numbers the databases in memory, which says nothing to anybody.
            namespace: if name.starts_with("file:sqlx-in-memory-") {
                ":memory:".to_owned()
            } else {
                name.into_owned()
            },
            address: None,
        }
    }
}

/// Longest text of a statement that a span shows, in bytes: enough for what people write, and not
/// for the placeholders of a bulk insert.
const LONGEST_TEXT: usize = 4096;

impl Target {
    /// The span of `query`.
    pub(super) fn start_query<DB: Database>(&self, query: &Captured<DB>) -> ClientSpan {
        let summary = summarize(query.text());
        let operation = summary.split(' ').next().unwrap_or_default().to_owned();
        let name = if summary.is_empty() {
            self.system.to_owned()
        } else {
            summary.clone()
        };
        let mut span = self.start(name, operation);
        if span.is_recording() {
            // Texts with parameters are shown as they are: the conventions say so, since their
            // values are elsewhere.
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
        self.start(operation, operation)
    }

    fn start(
        &self,
        name: impl Into<std::borrow::Cow<'static, str>>,
        operation: impl Into<crate::value::Value>,
    ) -> ClientSpan {
        let mut span = ClientSpan::start(name, SpanKind::Client);
        if span.is_recording() {
            span.set("db.system.name", self.system);
            span.set("db.operation.name", operation);
            span.set("db.namespace", self.namespace.clone());
            if let Some((host, port)) = &self.address {
                span.set("server.address", host.clone());
                span.set("server.port", *port);
            }
        }
        span
    }
}
