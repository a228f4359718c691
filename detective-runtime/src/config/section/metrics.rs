//! `[metrics]`: what `/metrics` shows.

use crate::config::declare::section;
use crate::config::setting::choice;

section! {
    /// What `/metrics` shows to Prometheus.
    pub struct Metrics in "metrics" {
        /// Whether metrics are recorded and `/metrics` is served.
        restart enabled: bool = true;
        /// Names of the metrics: "classic", such as `http_requests_total`, or "semconv", the names of
        /// OpenTelemetry, such as `http_server_request_duration_seconds`.
        restart naming: Naming = Naming::Classic;
        /// Upper bounds of the histogram buckets, in seconds, in ascending order.
        restart buckets: Vec<f64> = vec![
            0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
        ], check BOUNDS;
        /// Whether histogram buckets have the trace id of a recent request (an exemplar). Only
        /// scrapers that ask for OpenMetrics see it.
        restart exemplars: bool = true;
        /// Maximum number of pairs of method and route with their own time series. All further
        /// pairs share the endpoint `_OVERFLOW`.
        restart max_routes: usize = 1000, check AT_LEAST_ONE;
    }
}

choice! {
    /// How metrics and labels are named.
    pub enum Naming {
        /// `http_requests_total{method,endpoint,status}` and its like.
        Classic = "classic",
        /// The names of OpenTelemetry's semantic conventions.
        Semconv = "semconv",
    }
    expected "\"classic\" or \"semconv\""
}
