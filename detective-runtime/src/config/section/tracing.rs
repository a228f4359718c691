//! `[tracing]`: which traces are recorded and kept.

use std::time::Duration;

use crate::config::declare::section;

section! {
    /// Which traces are recorded and kept. Requests that fail or are slow are always kept, and
    /// so are those whose caller keeps its part of the trace.
    pub struct Tracing in "tracing" {
        /// Whether spans are recorded at all. Metrics and rows do not depend on it.
        live enabled: bool = true;
        /// Share of the other traces that are kept: 1.0 is all, 0.0 none.
        live sample: f64 = 1.0, check SHARE;
        /// A request that takes longer than this is slow. "0s": all are.
        live slow: Duration = Duration::from_secs(1);
        /// Whether a `traceparent` header is believed, so that the caller's trace goes on here.
        /// Turn it off where strangers can send one.
        live trust_inbound: bool = true;
        /// Whether an error is also an `exception` event on its span.
        live exception_events: bool = true;
        /// Most spans that are kept of one request; further ones are counted as dropped.
        live max_spans: usize = 1000, check AT_LEAST_ONE;
        /// Most fields that are kept of all the spans of one request; further ones are counted as
        /// dropped.
        live max_fields: usize = 2000, check AT_LEAST_ONE;
    }
}
