//! `[tracing]`: which traces are recorded and kept.

use std::time::Duration;

use crate::config::declare::section;

section! {
    /// Which traces are recorded and kept. The traces of requests that fail or are slow are always
    /// kept, and so are traces that the caller sampled.
    pub struct Tracing in "tracing" {
        /// Whether spans are recorded. Metrics and rows do not depend on it.
        live enabled: bool = true;
        /// Fraction to keep of the traces that begin here: 1.0 keeps all, 0.0 keeps none.
        live sample: f64 = 1.0, check SHARE;
        /// A request that takes this long or longer is slow. "0s": every request is slow.
        live slow: Duration = Duration::from_secs(1);
        /// Whether an incoming `traceparent` header is trusted, so that the caller's trace continues
        /// here. Turn it off if strangers can send requests directly.
        live trust_inbound: bool = true;
        /// Whether an error is also recorded as an `exception` event on its span.
        live exception_events: bool = true;
        /// Maximum number of spans for one request. Further spans are dropped and counted.
        live max_spans: usize = 1000, check AT_LEAST_ONE;
        /// Maximum number of fields for all spans of one request. Further fields are dropped and
        /// counted.
        live max_fields: usize = 2000, check AT_LEAST_ONE;
    }
}
