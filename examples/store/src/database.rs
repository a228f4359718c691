//! The store's own SQLite database: created, migrated and filled on the first start.

use std::path::Path;
use std::time::Duration;

use detective::client::sql;
use sqlx::Sqlite;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};

/// sqlx's pool, which also makes a span for every statement.
pub type Database = sql::Pool<Sqlite>;

/// How long a writer waits for its turn. SQLite allows one writer at a time.
const WRITER_PATIENCE: Duration = Duration::from_secs(5);

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot open the store's database `{path}`: {reason}; make its folder writable, or start the store in another folder"
)]
pub struct OpenError {
    path: String,
    reason: String,
}

/// Opens the database at `path`, and creates what is missing.
pub async fn open(path: &Path) -> Result<Database, OpenError> {
    open_or_make(path).await.map_err(|error| OpenError {
        path: path.display().to_string(),
        reason: error.to_string(),
    })
}

async fn open_or_make(path: &Path) -> Result<Database, Box<dyn std::error::Error>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(WRITER_PATIENCE);
    let pool = SqlitePool::connect_with(options).await?;
    sqlx::migrate!().run(&pool).await?;
    Ok(Database::new(pool))
}
