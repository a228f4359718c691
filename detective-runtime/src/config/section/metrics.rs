//! `[metrics]`: what `/metrics` shows.

use crate::config::declare::section;
use crate::config::setting::choice;

section! {
    /// What `/metrics` shows to Prometheus.
    pub struct Metrics in "metrics" {
        /// Whether requests move counters and histograms, and `/metrics` answers.
        restart enabled: bool = true;
        /// "classic" for names such as `http_requests_total`; "semconv" for those of
        /// OpenTelemetry, such as `http_server_request_duration_seconds`.
        restart naming: Naming = Naming::Classic;
        /// Upper bounds of the latency histograms, in seconds, ascending.
        restart buckets: Vec<f64> = vec![
            0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
        ], check BOUNDS;
        /// Whether histogram buckets name the trace of a recent request, for scrapers that ask
        /// for OpenMetrics.
        restart exemplars: bool = true;
        /// Most pairs of method and route with series of their own; further ones share
        /// `_OVERFLOW`.
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
