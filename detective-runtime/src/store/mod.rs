//! Finished requests in a database.
//!
//! [`Store::open`] returns two halves: a [`Writer`], of which there is exactly one, and a [`Reader`]
//! that can be cloned. The pipeline gives the writer to a [`WriteQueue`], which keeps on trying
//! while the database is unavailable. SQL is written only in the module of an engine: `sqlite` today; a
//! second engine is a second module with the same `connect`, `Writer` and `Reader`, and the scheme
//! of `store.url` chooses between them in [`Store::open`].

#[cfg(feature = "sqlite")]
mod id;
mod query;
mod queue;
mod row;
#[cfg(not(feature = "sqlite"))]
#[path = "disabled.rs"]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(test, feature = "sqlite"))]
pub(crate) mod tests;

use crate::config::Service;
pub(crate) use query::{EndpointStats, Filter, Overview, RouteMetrics, Summary};
pub(crate) use queue::WriteQueue;
pub use row::ApiMetric;
pub(crate) use row::{Row, RowBatch};

pub(crate) use sqlite::{Reader, Writer};

/// How many rows a caller with more than enough of them should send at once. This many need four
/// statements: one for the row that begins their ids, and three of the largest size. A thousand
/// rows would need twenty, most of them for the remainder.
pub(crate) const BATCH_ROWS: usize = 1 + 3 * 256;

/// An open store.
#[derive(Debug)]
pub(crate) struct Store {
    /// Writes rows. Each running instance of Detective has one.
    pub(crate) writer: Writer,
    /// Answers queries.
    pub(crate) reader: Reader,
}

/// The program that writes: the columns `service`, `version` and `instance` of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) service: String,
    pub(crate) version: String,
    pub(crate) instance: String,
}

impl Identity {
    /// The identity that the config gives to the program.
    pub(crate) fn of(service: &Service) -> Self {
        let Service {
            name,
            version,
            instance,
            ..
        } = service.clone();
        Self {
            service: name,
            version,
            instance,
        }
    }
}

/// What can go wrong with the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// `store.url` names an engine that is not built in. Only the scheme is shown, because the
    /// rest may hold a password.
    #[error("`store.url` has the unknown scheme `{scheme}`, expected `sqlite://path/to/file.db`")]
    UnknownScheme {
        /// The text before the colon, or nothing.
        scheme: String,
    },
    /// `store.url` names an engine that this build does not include. Enable its cargo feature, or turn
    /// the store off.
    #[error(
        "this build has no SQLite store; enable the cargo feature `sqlite`, or set \
         `store.enabled = false`"
    )]
    NotBuilt,
    /// The database cannot be opened or created, or the file is not a Detective store.
    #[error(
        "cannot open the store at `{path}`: {reason}; expected a SQLite file, or a place where one \
         can be created: check the folder's owner and permissions, or set `store.url` \
         (DETECTIVE_STORE__URL) to another place such as `sqlite://data/detective.db`"
    )]
    Open {
        /// The file.
        path: String,
        /// The reason that the system or the database gave.
        reason: String,
    },
    /// The database is locked, full or unreachable. The same call may succeed later.
    #[error("the store is not available: {reason}")]
    Unavailable {
        /// The reason that the database gave.
        reason: String,
    },
    /// The database refuses the rows, and would refuse them again.
    #[error("the store refuses the rows: {reason}")]
    Refused {
        /// The reason that the database gave.
        reason: String,
    },
    /// The shutdown's deadline passed before the rows were written.
    #[error("{rows} rows were not written before the shutdown's deadline")]
    Unwritten {
        /// How many rows were lost.
        rows: u64,
    },
}

impl Store {
    /// Opens the database at `url` (`sqlite://path`, `sqlite::memory:`) and migrates its tables. It
    /// creates the folder and the file if they are missing.
    ///
    /// A relative path is relative to the working directory. The configuration has made it absolute
    /// before.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownScheme`] and [`StoreError::Open`].
    pub(crate) async fn open(url: &str, identity: Identity) -> Result<Self, StoreError> {
        match url.split_once(':') {
            Some(("sqlite", _)) => {
                let (writer, reader) = sqlite::open(url, identity).await?;
                Ok(Self { writer, reader })
            }
            other => Err(StoreError::UnknownScheme {
                scheme: other.map_or_else(String::new, |(scheme, _)| scheme.to_owned()),
            }),
        }
    }
}
