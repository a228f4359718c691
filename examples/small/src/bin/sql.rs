//! Shows: SQL statements as spans of the request that makes them.
//!
//! ```console
//! $ cargo run -p small --bin sql
//! $ curl http://127.0.0.1:8000/toys/1
//! ```

use std::error::Error;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use detective::{Detective, client::sql::Pool, investigate};
use sqlx::{Sqlite, sqlite::SqlitePoolOptions};

// The span shows the statement, and never the value that is bound to it.
#[investigate(fields(id))]
async fn toy(Path(id): Path<i64>, State(pool): State<Pool<Sqlite>>) -> Result<String, StatusCode> {
    let name = sqlx::query_scalar("SELECT name FROM toys WHERE id = ?")
        .bind(id)
        .fetch_optional(&pool)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    name.ok_or(StatusCode::NOT_FOUND)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let detective = Detective::start().await?;
    // A database in memory lives as long as its connection.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    // The traced pool stands where sqlx's own pool would stand.
    let pool = Pool::new(pool.connect("sqlite::memory:").await?);
    sqlx::query("CREATE TABLE toys (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        .execute(&pool)
        .await?;
    sqlx::query("INSERT INTO toys VALUES (1, 'kite')")
        .execute(&pool)
        .await?;

    let app = Router::new().route("/toys/{id}", get(toy)).with_state(pool);
    detective.serve(small::listen().await?, app).await?;
    Ok(())
}
