//! Reads the database of rows without the `sqlite3` program.

use std::path::Path;

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

/// A connection to a database file.
#[derive(Debug)]
pub struct Database(SqliteConnection);

impl Database {
    /// Opens an existing database.
    ///
    /// # Panics
    ///
    /// When it cannot be opened.
    pub async fn open(path: impl AsRef<Path>) -> Self {
        let options = SqliteConnectOptions::new().filename(path);
        Self(options.connect().await.expect("the database is there"))
    }

    /// The single number that a query returns.
    ///
    /// # Panics
    ///
    /// With the error of the database.
    pub async fn number(&mut self, query: &str) -> i64 {
        let row = self.all(query).await.remove(0);
        row.get(0)
    }

    /// The texts that a query returns, one from each row.
    ///
    /// # Panics
    ///
    /// With the error of the database.
    pub async fn texts(&mut self, query: &str) -> Vec<String> {
        let rows = self.all(query).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Runs a statement, such as `BEGIN EXCLUSIVE`, which lasts until this is closed.
    ///
    /// # Panics
    ///
    /// With the error of the database.
    pub async fn run(&mut self, statement: &str) {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        let done = statement.execute(&mut self.0).await;
        done.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Closes it.
    ///
    /// # Panics
    ///
    /// With the error of the database.
    pub async fn close(self) {
        self.0.close().await.expect("a database can be closed");
    }

    async fn all(&mut self, query: &str) -> Vec<SqliteRow> {
        let rows = sqlx::query(AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut self.0)
            .await;
        rows.unwrap_or_else(|error| panic!("{error} on `{query}`"))
    }
}
