//! The embedded engine: a SQLite file in WAL mode, one connection that writes, a few that read.

mod dictionary;
mod insert;
mod latencies;
mod queries;
mod writer;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

pub(crate) use self::queries::Reader;
pub(crate) use self::writer::Writer;
use super::{Identity, StoreError};

/// The migrations of the tables since the first version, compiled into the program.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long SQLite itself waits for a lock. After that, the write queue tries again, and a reader
/// gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// Most queries at the same time. Each one needs a thread and a page cache.
const READERS: u32 = 4;
/// Page cache of each connection; SQLite takes a negative number as KiB. It has room for the pages
/// that some thousand endpoints append to, and for sorting in memory. SQLite's default of 2 MiB has
/// not.
const CACHE_KIBIBYTES: &str = "-16384";
/// Pages (of 4 KiB) in the write-ahead log before they are copied into the file. More than SQLite's
/// default of 1000, because a page that several transactions write to is then copied only once.
const CHECKPOINT_PAGES: &str = "4000";
/// The size to which a write-ahead log is cut after a long query has let it grow.
const JOURNAL_BYTES: &str = "67108864";

/// Opens both halves of the store at `url`.
pub(super) async fn open(url: &str, identity: Identity) -> Result<(Writer, Reader), StoreError> {
    let open_error = |path: &Path, reason: String| StoreError::Open {
        path: path.display().to_string(),
        reason,
    };
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| open_error(Path::new(url), error.to_string()))?
        .create_if_missing(true)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(false)
        .pragma("cache_size", CACHE_KIBIBYTES)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", JOURNAL_BYTES)
        .thread_name(|id| format!("detective-sqlite-{id}"))
        .disable_statement_logging();
    let path = options.get_filename().to_owned();

    if !url.contains(":memory:")
        && let Some(folder) = path.parent()
    {
        std::fs::create_dir_all(folder)
            .map_err(|error| open_error(&path, format!("cannot create its folder: {error}")))?;
    }
    let writer = Writer::connect(options.clone(), identity)
        .await
        .map_err(|error| open_error(&path, reason(&error)))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(BUSY_TIMEOUT)
        .connect_lazy_with(options.pragma("query_only", "ON"));
    Ok((writer, Reader::new(readers)))
}

/// Migrates the tables. The write lock is taken before reading their version, so that two programs
/// that start at the same moment on one file take turns.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    MIGRATIONS
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(sqlx::Error::from)?;
    transaction.commit().await
}

/// Whether the database is only busy or locked, so that this connection can still be used, as after
/// a refusal. Other errors may have ended a transaction without sqlx's knowledge.
fn is_contention(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(5 | 6))
}

/// Whether the same rows would be refused again: too big, constraint, mismatch, range.
fn is_refusal(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(18 | 19 | 20 | 25))
        || matches!(error, sqlx::Error::Encode(_))
}

/// SQLite's primary result code (<https://sqlite.org/rescode.html>). sqlx returns the extended
/// code, which has more information in its higher bits.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// The error's text without sqlx's prefix.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Migrate(error) => {
            format!("its tables cannot be brought up to date: {error}")
        }
        other => other.to_string(),
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let reason = reason(&error);
        if is_refusal(&error) {
            Self::Refused { reason }
        } else {
            Self::Unavailable { reason }
        }
    }
}
