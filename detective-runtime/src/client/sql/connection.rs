//! The traced connection and transaction.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt};
use sqlx::{Connection as _, Database, Describe, Error, Execute, Executor, SqlStr};

use super::captured::Captured;
use super::target::Target;
use super::watched::{Step, Watched, watch};

/// A connection whose statements are client spans; `C` is what owns it. `&mut connection` is an
/// `Executor`.
pub struct Connection<DB: Database, C> {
    inner: C,
    target: Arc<Target>,
    database: PhantomData<fn() -> DB>,
}

/// A connection of a [`Pool`](super::Pool), to which it returns when dropped. `&mut *connection` is
/// an `Executor`.
#[derive(Debug)]
pub struct PoolConnection<DB: Database>(Connection<DB, sqlx::pool::PoolConnection<DB>>);

/// A transaction, rolled back unless it is committed. `&mut *transaction` is an `Executor`.
#[derive(Debug)]
pub struct Transaction<'c, DB: Database>(Connection<DB, sqlx::Transaction<'c, DB>>);

impl<DB: Database, C> Connection<DB, C> {
    fn new(inner: C, target: Arc<Target>) -> Self {
        Self {
            inner,
            target,
            database: PhantomData,
        }
    }
}

impl<DB: Database, C: DerefMut<Target = DB::Connection>> Connection<DB, C> {
    /// Begins a transaction; within a transaction, a savepoint.
    ///
    /// # Errors
    ///
    /// Those of [`sqlx::Connection::begin`].
    pub async fn begin(&mut self) -> Result<Transaction<'_, DB>, Error> {
        let span = self.target.start_control("BEGIN");
        let transaction = watch(span, self.inner.begin()).await?;
        Ok(Transaction::new(transaction, Arc::clone(&self.target)))
    }

    /// sqlx's own connection, whose statements are not traced.
    pub fn inner_mut(&mut self) -> &mut DB::Connection {
        &mut self.inner
    }
}

impl<DB: Database> PoolConnection<DB> {
    pub(super) fn new(inner: sqlx::pool::PoolConnection<DB>, target: Arc<Target>) -> Self {
        Self(Connection::new(inner, target))
    }
}

impl<'c, DB: Database> Transaction<'c, DB> {
    pub(super) fn new(inner: sqlx::Transaction<'c, DB>, target: Arc<Target>) -> Self {
        Self(Connection::new(inner, target))
    }

    /// Makes the changes last.
    ///
    /// # Errors
    ///
    /// Those of [`sqlx::Transaction::commit`].
    pub async fn commit(self) -> Result<(), Error> {
        let span = self.0.target.start_control("COMMIT");
        watch(span, self.0.inner.commit()).await
    }

    /// Takes the changes back.
    ///
    /// # Errors
    ///
    /// Those of [`sqlx::Transaction::rollback`].
    pub async fn rollback(self) -> Result<(), Error> {
        let span = self.0.target.start_control("ROLLBACK");
        watch(span, self.0.inner.rollback()).await
    }
}

impl<DB: Database> Deref for PoolConnection<DB> {
    type Target = Connection<DB, sqlx::pool::PoolConnection<DB>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<DB: Database> DerefMut for PoolConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'c, DB: Database> Deref for Transaction<'c, DB> {
    type Target = Connection<DB, sqlx::Transaction<'c, DB>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<DB: Database> DerefMut for Transaction<'_, DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<DB: Database, C> fmt::Debug for Connection<DB, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// An impl for all databases at once would make the compiler recurse without end, here and in
/// programs that only use sqlx. sqlx's own wrappers have the same limit.
macro_rules! impl_executor {
    ($Database:ty, $Connection:ty) => {
        impl<'c, C> Executor<'c> for &'c mut Connection<$Database, C>
        where
            C: DerefMut<Target = $Connection> + Send,
        {
            type Database = $Database;

            fn fetch_many<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxStream<'e, Result<Step<$Database>, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, $Database>,
            {
                let query = Captured::new(query);
                let span = self.target.start_query(&query);
                Watched::<$Database>::new(span, (*self.inner).fetch_many(query)).boxed()
            }

            fn fetch_optional<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxFuture<'e, Result<Option<<$Database as Database>::Row>, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, $Database>,
            {
                let query = Captured::new(query);
                let span = self.target.start_query(&query);
                Box::pin(watch(span, (*self.inner).fetch_optional(query)))
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [<$Database as Database>::TypeInfo],
            ) -> BoxFuture<'e, Result<<$Database as Database>::Statement, Error>>
            where
                'c: 'e,
            {
                (*self.inner).prepare_with(sql, parameters)
            }

            fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<$Database>, Error>>
            where
                'c: 'e,
            {
                (*self.inner).describe(sql)
            }
        }
    };
}

#[cfg(feature = "sqlite")]
impl_executor!(sqlx::Sqlite, sqlx::SqliteConnection);
