//! The row of `api_metrics`: one finished request.

use std::time::{Duration, SystemTime};

/// One request as it is stored; the columns are those of the `api_metrics` view.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ApiMetric {
    /// Route template, `unmatched` when no route matched.
    pub endpoint: String,
    /// Known method or `_OTHER`.
    pub method: String,
    /// Raw path without the query, length-capped; `None` when `capture.path` is off.
    pub path: Option<String>,
    /// `None` when no response was sent.
    pub status_code: Option<u16>,
    /// From the first byte of the head to the end of the body.
    pub response_time: Duration,
    /// From the first byte of the request's head to the response head; `None` without one.
    pub time_to_head: Option<Duration>,
    /// Start of the request.
    pub timestamp: SystemTime,
    /// How the request ended.
    pub outcome: Outcome,
    /// The handler's error.
    pub error: Option<String>,
    /// The investigated function that answered, `crate::module::function`.
    pub handler: Option<String>,
    /// The trace, when tracing is on.
    pub trace_id: Option<u128>,
    /// Who came; `None` when turned off or unknown.
    pub client_ip: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Set by the application: see `Handle::consumer`.
    pub consumer: Option<String>,
    /// Allowed request headers, name and value.
    pub request_headers: Vec<(String, String)>,
    /// Allowed response headers, name and value.
    pub response_headers: Vec<(String, String)>,
    /// Size of the request's body in bytes.
    pub request_bytes: u64,
    /// Size of the response's body in bytes, as far as it was sent.
    pub response_bytes: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Answered with a status below 400.
    Ok,
    /// Answered with 4xx.
    ClientError,
    /// Answered with 5xx.
    ServerError,
    /// The handler panicked.
    Panic,
    /// The client left before the answer was complete.
    ClientDisconnect,
    /// Answered 408 or 504, or answered after the investigated handler was dropped.
    Timeout,
    /// Still open when the program's shutdown deadline passed.
    Shutdown,
}

impl Outcome {
    /// The word that stands in the `outcome` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Panic => "panic",
            Self::ClientDisconnect => "client_disconnect",
            Self::Timeout => "timeout",
            Self::Shutdown => "shutdown",
        }
    }
}
