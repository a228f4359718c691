//! Client spans for Redis commands, by OpenTelemetry's conventions 1.44.
//!
//! ```
//! # async fn example() -> redis::RedisResult<()> {
//! use detective::client::redis::Connection;
//! use redis::AsyncCommands;
//!
//! let client = redis::Client::open("redis://localhost")?;
//! let connection = client.get_multiplexed_async_connection().await?;
//! let mut connection = Connection::new(connection, client.get_connection_info());
//! let stock: Option<i64> = connection.get("stock:17").await?;
//! # Ok(())
//! # }
//! ```

mod command;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use redis::aio::ConnectionLike;
use redis::{Cmd, ConnectionInfo, Pipeline, RedisFuture, Value};

use crate::trace::ClientSpan;

pub(crate) use server::{Server, mark_failure};

/// A connection that makes a client span for each command. Use it in the same way as the connection
/// that it wraps: a multiplexed one, a connection manager, or any other.
///
/// Spans show the command and the part of a key before its first `:`. They never show a value.
#[derive(Clone)]
pub struct Connection<C> {
    inner: C,
    server: Arc<Server>,
}

impl<C> Connection<C> {
    /// Traces the commands of `connection`. `server` is the address that it is connected to.
    pub fn new(connection: C, server: &ConnectionInfo) -> Self {
        Self {
            inner: connection,
            server: Arc::new(Server::new(server)),
        }
    }

    /// The wrapped connection. Commands on it are not traced.
    pub fn inner_mut(&mut self) -> &mut C {
        &mut self.inner
    }
}

impl<C: ConnectionLike + Send> ConnectionLike for Connection<C> {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        let mut span = self.server.start_span(command::name(command));
        if span.is_recording() {
            span.set("db.query.text", command::text(command));
        }
        Box::pin(watch(span, self.inner.req_packed_command(command)))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let mut span = self.server.start_span(command::pipeline_name(pipeline));
        if span.is_recording() {
            span.set("db.query.text", command::pipeline_text(pipeline));
            span.set("db.operation.batch.size", pipeline.len());
        }
        let answer = self.inner.req_packed_commands(pipeline, offset, count);
        Box::pin(watch(span, answer))
    }

    fn get_db(&self) -> i64 {
        self.inner.get_db()
    }
}

async fn watch<T>(mut span: ClientSpan, answer: RedisFuture<'_, T>) -> redis::RedisResult<T> {
    answer
        .await
        .inspect_err(|error| mark_failure(&mut span, error))
}

impl<C> fmt::Debug for Connection<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
