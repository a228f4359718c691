//! The cache that processes share.
//!
//! Every operation ends within `cache.timeout`. After a failure, Redis is not contacted for a
//! while, so that only an occasional call pays a timeout.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, cmd};
use tokio::sync::Mutex;

use super::Operation;
use super::circuit::Circuit;
use crate::client::key_pattern;
use crate::client::redis::Server;
use crate::config;
use crate::metrics::{Part, Stats};
use crate::tls;
use crate::trace::ClientSpan;

pub(super) struct Redis {
    client: Client,
    server: Server,
    prefix: String,
    timeout: Duration,
    /// One connection carries all commands. It is replaced whenever it fails.
    connection: ArcSwapOption<MultiplexedConnection>,
    /// Locked while connecting, so that all callers share one new connection.
    connecting: Mutex<()>,
    circuit: Circuit,
    stats: Arc<Stats>,
}

enum Failure {
    /// There was no answer, so the connection cannot be used again, or there is no connection.
    Unreachable(RedisError),
    /// Redis answered with an error about this command.
    Refused(RedisError),
}

impl Redis {
    pub(super) fn new(
        config: &config::Cache,
        stats: Arc<Stats>,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let client = Client::open(config.url.expose())?;
        if matches!(
            client.get_connection_info().addr(),
            redis::ConnectionAddr::TcpTls { .. }
        ) {
            // The client takes the provider of the process, and panics when there is none. One is
            // installed only here, for a program that asks for TLS; its own choice stands.
            let provider = tls::provider()
                .ok_or_else(|| format!("no cryptography for TLS is linked: {}", tls::ADVICE))?;
            let _ = Arc::unwrap_or_clone(provider).install_default();
        }
        Ok(Self {
            server: Server::new(client.get_connection_info()),
            client,
            prefix: config.prefix.clone(),
            timeout: config.timeout,
            connection: ArcSwapOption::empty(),
            connecting: Mutex::new(()),
            circuit: Circuit::new(),
            stats,
        })
    }

    pub(super) fn start_span(&self, operation: Operation, key: &str) -> ClientSpan {
        let command = match operation {
            Operation::Get => "GET",
            Operation::Set => "SET",
            Operation::Remove => "DEL",
        };
        let mut span = self.server.start_span(command);
        if span.is_recording() {
            let values = if matches!(operation, Operation::Set) {
                " ? PX ?"
            } else {
                ""
            };
            let text = format!("{command} {}{}{values}", self.prefix, key_pattern(key));
            span.set("db.query.text", text);
        }
        span
    }

    pub(super) async fn get(&self, key: &str, span: &mut ClientSpan) -> Option<Arc<[u8]>> {
        let text: Option<Vec<u8>> = self.run(cmd("GET").arg(self.full(key)), span).await?;
        text.map(Arc::from)
    }

    pub(super) async fn set(&self, key: &str, text: &[u8], ttl: Duration, span: &mut ClientSpan) {
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let mut command = cmd("SET");
        command.arg(self.full(key)).arg(text).arg("PX").arg(millis);
        let _: Option<()> = self.run(&command, span).await;
    }

    pub(super) async fn remove(&self, key: &str, span: &mut ClientSpan) {
        let _: Option<()> = self.run(cmd("DEL").arg(self.full(key)), span).await;
    }

    fn full(&self, key: &str) -> String {
        [self.prefix.as_str(), key].concat()
    }

    /// The answer to `command` within the time limit; `None` after any failure.
    async fn run<T: FromRedisValue>(&self, command: &Cmd, span: &mut ClientSpan) -> Option<T> {
        let Some(permit) = self.circuit.admit() else {
            span.set("cache.skipped", true);
            return None;
        };
        let outcome = tokio::time::timeout(self.timeout, self.exchange(command)).await;
        match outcome {
            Ok(Ok(answer)) => {
                self.circuit.succeeded();
                self.stats.succeeded(Part::Cache);
                return Some(answer);
            }
            Ok(Err(Failure::Refused(error))) => {
                self.circuit.succeeded();
                self.report(span, &error);
            }
            Ok(Err(Failure::Unreachable(error))) => {
                self.circuit.failed(permit);
                self.report(span, &error);
            }
            Err(_) => {
                // A connection to a machine that has disappeared stays silent for many minutes.
                self.connection.store(None);
                self.circuit.failed(permit);
                let message = format!(
                    "redis at `{}` did not answer within {:?}",
                    self.server, self.timeout
                );
                span.fail("timeout", message.clone());
                self.stats.failed(Part::Cache, message);
            }
        }
        None
    }

    fn report(&self, span: &mut ClientSpan, error: &RedisError) {
        crate::client::redis::mark_failure(span, error);
        let message = format!("redis at `{}`: {error}", self.server);
        self.stats.failed(Part::Cache, message);
    }

    async fn exchange<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        let connection = self.connection().await?;
        match ask(&connection, command).await {
            // Redis closed an idle connection, or was restarted. All commands here can safely be
            // repeated.
            Err(Failure::Unreachable(_)) => {
                self.discard(connection);
                let connection = self.connection().await?;
                ask(&connection, command).await.inspect_err(|failure| {
                    if matches!(failure, Failure::Unreachable(_)) {
                        self.discard(Arc::clone(&connection));
                    }
                })
            }
            outcome => outcome,
        }
    }

    /// The current connection, or a new one.
    async fn connection(&self) -> Result<Arc<MultiplexedConnection>, Failure> {
        if let Some(connection) = self.connection.load_full() {
            return Ok(connection);
        }
        let _connecting = self.connecting.lock().await;
        if let Some(connection) = self.connection.load_full() {
            return Ok(connection);
        }
        // The time limit of the whole operation covers both.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(COMMANDS_IN_FLIGHT);
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(Failure::Unreachable)?;
        let connection = Arc::new(connection);
        self.connection.store(Some(Arc::clone(&connection)));
        Ok(connection)
    }

    /// Drops `connection`, unless it has been replaced already.
    fn discard(&self, connection: Arc<MultiplexedConnection>) {
        self.connection.compare_and_swap(&Some(connection), None);
    }
}

/// Most commands that wait to be written. With the client's default of 50, callers would queue.
const COMMANDS_IN_FLIGHT: usize = 1024;

async fn ask<T: FromRedisValue>(
    connection: &MultiplexedConnection,
    command: &Cmd,
) -> Result<T, Failure> {
    let mut connection = connection.clone();
    command.query_async(&mut connection).await.map_err(|error| {
        if error.is_io_error() || error.is_unrecoverable_error() {
            Failure::Unreachable(error)
        } else {
            Failure::Refused(error)
        }
    })
}
