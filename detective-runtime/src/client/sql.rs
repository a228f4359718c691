//! Client spans for SQL statements, by OpenTelemetry's conventions 1.44: a pool, a connection and a
//! transaction that you use in the same way as those of sqlx.
//!
//! ```
//! # async fn example() -> Result<(), sqlx::Error> {
//! use detective::client::sql::Pool;
//!
//! let pool = Pool::new(sqlx::SqlitePool::connect("sqlite::memory:").await?);
//! let sum: i64 = sqlx::query_scalar("SELECT 1 + ?").bind(2).fetch_one(&pool).await?;
//! assert_eq!(sum, 3);
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```

mod captured;
mod connection;
mod pool;
mod target;
#[cfg(test)]
mod tests;
mod watched;

pub use connection::{Connection, PoolConnection, Transaction};
pub use pool::Pool;
pub use target::Traceable;
