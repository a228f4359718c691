//! Questions about rows, in SQLite's words.

use sqlx::SqlitePool;

/// Answers queries; clones share a small pool of connections.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pool: SqlitePool,
}

impl Reader {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// Closes the connections, waiting for the queries that still run.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
