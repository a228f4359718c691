//! The row of `api_metrics`: one finished request.

use std::borrow::Cow;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::nanos;
use crate::record::{Client, Outcome};

/// One stored request. The fields are the columns of the view `api_metrics`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ApiMetric {
    /// Route template, `unmatched` when no route matched.
    pub endpoint: String,
    /// A known method, or `_OTHER`.
    pub method: String,
    /// Path without the query, cut to `capture.max_text_bytes`; `None` when `capture.path` is off.
    pub path: Option<String>,
    /// `None` when the client left, or the shutdown came, before the response.
    pub status_code: Option<u16>,
    /// From the first byte of the head to the end of the body.
    pub response_time: Duration,
    /// From the first byte of the request's head to the response head; `None` without one.
    pub time_to_head: Option<Duration>,
    /// Start of the request.
    pub timestamp: SystemTime,
    /// How the request ended.
    pub outcome: Outcome,
    /// The text of the handler's error, or of the panic.
    pub error: Option<String>,
    /// The investigated function that answered, `crate::module::function`.
    pub handler: Option<String>,
    /// The id of the trace; `None` when tracing is off.
    pub trace_id: Option<u128>,
    /// The client's address; `None` when `capture.client_address` is off or the address is unknown.
    pub client_ip: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Set by the application with [`set_consumer`](crate::set_consumer).
    pub consumer: Option<String>,
    /// The request headers that `[capture]` names, with their values.
    pub request_headers: Vec<(String, String)>,
    /// The response headers that `[capture]` names, with their values.
    pub response_headers: Vec<(String, String)>,
    /// Size of the request's body in bytes.
    pub request_bytes: u64,
    /// Size of the response's body in bytes, as far as it was sent.
    pub response_bytes: u64,
}

/// A borrowed row, so that a caller can write directly from its own record.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: Option<&'a str>,
    pub(crate) status_code: Option<u16>,
    pub(crate) response_nanos: u64,
    pub(crate) head_nanos: Option<u64>,
    /// Start of the request, in nanoseconds since 1970.
    pub(crate) unix_nanos: u64,
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<&'a str>,
    pub(crate) handler: Option<&'a str>,
    pub(crate) trace_id: Option<u128>,
    pub(crate) client: Option<Client<'a>>,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) consumer: Option<&'a str>,
    /// Owned, because header values are converted to text only when their row is written.
    pub(crate) request_headers: Cow<'a, [(String, String)]>,
    pub(crate) response_headers: Cow<'a, [(String, String)]>,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
}

impl<'a> From<&'a ApiMetric> for Row<'a> {
    fn from(metric: &'a ApiMetric) -> Self {
        Self {
            endpoint: &metric.endpoint,
            method: &metric.method,
            path: metric.path.as_deref(),
            status_code: metric.status_code,
            response_nanos: nanos(metric.response_time),
            head_nanos: metric.time_to_head.map(nanos),
            unix_nanos: metric.timestamp.duration_since(UNIX_EPOCH).map_or(0, nanos),
            outcome: metric.outcome,
            error: metric.error.as_deref(),
            handler: metric.handler.as_deref(),
            trace_id: metric.trace_id,
            client: metric.client_ip.as_deref().map(Client::from),
            user_agent: metric.user_agent.as_deref(),
            consumer: metric.consumer.as_deref(),
            request_headers: Cow::Borrowed(&metric.request_headers),
            response_headers: Cow::Borrowed(&metric.response_headers),
            request_bytes: metric.request_bytes,
            response_bytes: metric.response_bytes,
        }
    }
}

impl From<Row<'_>> for ApiMetric {
    fn from(row: Row<'_>) -> Self {
        Self {
            endpoint: row.endpoint.to_owned(),
            method: row.method.to_owned(),
            path: row.path.map(str::to_owned),
            status_code: row.status_code,
            response_time: Duration::from_nanos(row.response_nanos),
            time_to_head: row.head_nanos.map(Duration::from_nanos),
            timestamp: UNIX_EPOCH + Duration::from_nanos(row.unix_nanos),
            outcome: row.outcome,
            error: row.error.map(str::to_owned),
            handler: row.handler.map(str::to_owned),
            trace_id: row.trace_id,
            client_ip: row.client.map(String::from),
            user_agent: row.user_agent.map(str::to_owned),
            consumer: row.consumer.map(str::to_owned),
            request_headers: row.request_headers.into_owned(),
            response_headers: row.response_headers.into_owned(),
            request_bytes: row.request_bytes,
            response_bytes: row.response_bytes,
        }
    }
}

/// Rows that are sent to the store and written together.
///
/// The store gives the batch back when it is done, so that its memory can be reused.
pub(crate) trait RowBatch: Send + Sync + 'static {
    /// The number of rows.
    fn len(&self) -> usize;

    /// The rows in a range, in the same order each time.
    fn rows(&self, part: Range<usize>) -> impl Iterator<Item = Row<'_>> + Send;

    /// Drops the rows after the first `len`, because the queue has no room for them.
    fn truncate(&mut self, len: usize);
}

impl RowBatch for Vec<ApiMetric> {
    fn len(&self) -> usize {
        self.len()
    }

    fn rows(&self, part: Range<usize>) -> impl Iterator<Item = Row<'_>> + Send {
        self[part].iter().map(Row::from)
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }
}
