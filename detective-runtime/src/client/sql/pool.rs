//! The traced pool.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt};
use sqlx::{Acquire, Database, Describe, Error, Execute, Executor, SqlSafeStr, SqlStr};

use super::captured::Captured;
use super::connection::{PoolConnection, Transaction};
use super::target::{Target, Traceable};
use super::watched::{Step, Watched, watch};

/// A pool whose statements are client spans of the request that makes them.
///
/// `&pool` is an `Executor`, as sqlx's own pool is. What is not traced is reached by dereferencing:
/// `pool.close()`, `pool.size()`.
pub struct Pool<DB: Database> {
    inner: sqlx::Pool<DB>,
    target: Arc<Target>,
}

impl<DB: Traceable> Pool<DB> {
    /// Traces what goes through `pool`.
    pub fn new(pool: sqlx::Pool<DB>) -> Self {
        Self {
            target: Arc::new(DB::target(&pool.connect_options())),
            inner: pool,
        }
    }
}

impl<DB: Database> Pool<DB> {
    /// A connection of the pool, for statements that belong together. `&mut *connection` is an
    /// `Executor`.
    ///
    /// # Errors
    ///
    /// Those of [`sqlx::Pool::acquire`].
    pub async fn acquire(&self) -> Result<PoolConnection<DB>, Error> {
        let connection = self.inner.acquire().await?;
        Ok(PoolConnection::new(connection, Arc::clone(&self.target)))
    }

    /// Begins a transaction. `&mut *transaction` is an `Executor`.
    ///
    /// # Errors
    ///
    /// Those of [`sqlx::Pool::begin`].
    pub async fn begin(&self) -> Result<Transaction<'static, DB>, Error> {
        let span = self.target.start_control("BEGIN");
        let transaction = watch(span, self.inner.begin()).await?;
        Ok(Transaction::new(transaction, Arc::clone(&self.target)))
    }

    /// Begins a transaction with a statement of its own, such as `BEGIN IMMEDIATE`.
    ///
    /// # Errors
    ///
    /// Those of [`sqlx::Pool::begin_with`].
    pub async fn begin_with(
        &self,
        statement: impl SqlSafeStr,
    ) -> Result<Transaction<'static, DB>, Error> {
        let span = self.target.start_control("BEGIN");
        let transaction = watch(span, self.inner.begin_with(statement)).await?;
        Ok(Transaction::new(transaction, Arc::clone(&self.target)))
    }
}

impl<'p, DB: Database> Executor<'p> for &'_ Pool<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step<DB>, Error>>
    where
        E: 'q + Execute<'q, DB>,
    {
        let query = Captured::new(query);
        let span = self.target.start_query(&query);
        Watched::<DB>::new(span, self.inner.fetch_many(query)).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        E: 'q + Execute<'q, DB>,
    {
        let query = Captured::new(query);
        let span = self.target.start_query(&query);
        Box::pin(watch(span, self.inner.fetch_optional(query)))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'p: 'e,
    {
        self.inner.prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'p: 'e,
    {
        self.inner.describe(sql)
    }
}

/// For what takes any source of connections, such as migrations; these connections are sqlx's own
/// and are not traced.
impl<'a, DB: Database> Acquire<'a> for &Pool<DB> {
    type Database = DB;
    type Connection = sqlx::pool::PoolConnection<DB>;

    fn acquire(self) -> BoxFuture<'a, Result<Self::Connection, Error>> {
        Acquire::acquire(&self.inner)
    }

    fn begin(self) -> BoxFuture<'a, Result<sqlx::Transaction<'a, DB>, Error>> {
        Acquire::begin(&self.inner)
    }
}

impl<DB: Database> Deref for Pool<DB> {
    type Target = sqlx::Pool<DB>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<DB: Traceable> From<sqlx::Pool<DB>> for Pool<DB> {
    fn from(pool: sqlx::Pool<DB>) -> Self {
        Self::new(pool)
    }
}

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            target: Arc::clone(&self.target),
        }
    }
}

impl<DB: Database> fmt::Debug for Pool<DB> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // sqlx's own output shows no password: it has the sizes and the options of the pool.
        formatter.debug_tuple("Pool").field(&self.inner).finish()
    }
}
