//! A span as it leaves: owned, complete, and free of any library's types.

use std::borrow::Cow;

use crate::value::Value;

/// One finished span of a trace that is kept. Times are nanoseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExportSpan {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    /// Zero: a root.
    pub(crate) parent_span_id: u64,
    /// Whether the parent lives in another process.
    pub(crate) parent_is_remote: bool,
    /// W3C trace flags.
    pub(crate) flags: u8,
    /// W3C `tracestate`, as it came.
    pub(crate) trace_state: String,
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: SpanKind,
    pub(crate) start_unix_nanos: u64,
    pub(crate) end_unix_nanos: u64,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) events: Vec<ExportEvent>,
    /// The description of an error; `None` leaves the status unset. It may be empty.
    pub(crate) error: Option<String>,
}

/// A key with its value.
pub(crate) type Attribute = (Cow<'static, str>, Value);

/// Something that happened at one moment of a span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExportEvent {
    pub(crate) name: Cow<'static, str>,
    pub(crate) unix_nanos: u64,
    pub(crate) attributes: Vec<Attribute>,
}

/// The role of a span in its trace, as OpenTelemetry names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanKind {
    /// Answers a request from elsewhere.
    Server,
    /// Work inside this process.
    Internal,
    /// A call that leaves this process.
    Client,
}
