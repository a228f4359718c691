//! The Redis server that receives the commands, as spans describe it.

use std::borrow::Cow;
use std::fmt;

use redis::{ConnectionAddr, ConnectionInfo, RedisError};

use crate::export::SpanKind;
use crate::trace::ClientSpan;

/// The target of the commands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Server {
    /// A host, or the path of a Unix socket.
    address: String,
    /// `None` for a Unix socket.
    port: Option<u16>,
    database: i64,
}

impl Server {
    pub(crate) fn new(info: &ConnectionInfo) -> Self {
        let (address, port) = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                (host.clone(), Some(*port))
            }
            ConnectionAddr::Unix(path) => (path.display().to_string(), None),
            _ => (String::new(), None),
        };
        Self {
            address,
            port,
            database: info.redis_settings().db(),
        }
    }

    /// A span with the name of one command. The caller adds the command's text.
    pub(crate) fn start_span(&self, command: impl Into<Cow<'static, str>>) -> ClientSpan {
        let command = command.into();
        let mut span = ClientSpan::start(command.clone(), SpanKind::Client);
        if span.is_recording() {
            span.set("db.system.name", "redis");
            span.set("db.operation.name", command);
            span.set("db.namespace", self.database.to_string());
            span.set("server.address", self.address.clone());
            if let Some(port) = self.port {
                span.set("server.port", port);
            }
        }
        span
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(formatter, "{}:{port}", self.address),
            None => formatter.write_str(&self.address),
        }
    }
}

/// Marks `span` as failed, with the error of its command.
pub(crate) fn mark_failure(span: &mut ClientSpan, error: &RedisError) {
    if !span.is_recording() {
        return;
    }
    match error.code() {
        Some(code) => {
            span.set("db.response.status_code", code.to_owned());
            span.fail(code.to_owned(), error.to_string());
        }
        None => span.fail(error_type(error), error.to_string()),
    }
}

/// A short, stable value for the class of an error that Redis itself did not send.
fn error_type(error: &RedisError) -> Cow<'static, str> {
    Cow::Borrowed(if error.is_timeout() {
        "timeout"
    } else if error.is_connection_refusal() {
        "connection_refused"
    } else if error.is_connection_dropped() {
        "connection_dropped"
    } else if error.is_io_error() {
        "io"
    } else {
        return Cow::Owned(error.category().replace(' ', "_"));
    })
}
