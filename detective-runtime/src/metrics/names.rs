//! The names, help texts and labels of every metric family that Detective exposes.
//!
//! Names follow the Prometheus guide (base unit as suffix, `_total` on counters). The names of
//! `metrics.naming = "semconv"` follow OpenTelemetry's HTTP conventions 1.44, in the form that the
//! compatibility specification gives for Prometheus.

/// The properties that all series of a metric family share.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// Label names in alphabetical order, as the prometheus crate sorts its own.
    pub(super) labels: &'static [&'static str],
}

/// The endpoint of a request that no route matched.
pub(crate) const UNMATCHED: &str = "unmatched";
/// The endpoint of all (method, route) pairs beyond `metrics.max_routes`.
pub(crate) const OVERFLOW: &str = "_OVERFLOW";
/// The method of a request with an unknown method.
pub(crate) const OTHER_METHOD: &str = "_OTHER";
/// The `status` of a request whose response has a number that is not an HTTP status.
pub(super) const NO_STATUS: &str = "none";

/// Declares the families, and makes from them [`ALL`].
macro_rules! families {
    ($($(#[$meta:meta])* pub(super) const $FAMILY:ident: Family = $family:expr;)+) => {
        $($(#[$meta])* pub(super) const $FAMILY: Family = $family;)+

        /// Every family, for the collector's description of itself.
        pub(super) const ALL: &[&Family] = &[$(&$FAMILY),+];
    };
}

families! {
    pub(super) const HTTP_REQUESTS: Family = Family {
        name: "http_requests_total",
        help: "HTTP requests that ended, by response status.",
        labels: &["endpoint", "method", "status"],
    };
    pub(super) const HTTP_REQUEST_DURATION: Family = Family {
        name: "http_request_duration_seconds",
        help: "Time from the head of a request to the end of its response.",
        labels: &["endpoint", "method"],
    };
    pub(super) const HTTP_REQUESTS_IN_FLIGHT: Family = Family {
        name: "http_requests_in_flight",
        help: "HTTP requests that are being answered.",
        labels: &["endpoint", "method"],
    };

    pub(super) const HTTP_SERVER_REQUEST_DURATION: Family = Family {
        name: "http_server_request_duration_seconds",
        help: "Duration of HTTP server requests.",
        labels: &[
            "error_type",
            "http_request_method",
            "http_response_status_code",
            "http_route",
            "network_protocol_version",
            "url_scheme",
        ],
    };
    pub(super) const HTTP_SERVER_ACTIVE_REQUESTS: Family = Family {
        name: "http_server_active_requests",
        help: "Number of active HTTP server requests.",
        labels: &["http_request_method", "url_scheme"],
    };

    /// Requests that `http_server_request_duration_seconds` leaves out. The convention has no counter
    /// beside its histogram, so that these would be counted nowhere: event streams, upgraded
    /// connections, and routes whose rule says `histogram = false`. With the classic naming all requests
    /// are in `http_requests_total`, and this family does not appear.
    pub(super) const REQUESTS_OUTSIDE_HISTOGRAM: Family = Family {
        name: "detective_requests_outside_histogram_total",
        help: "HTTP server requests that ended and are not in the duration histogram: event streams, upgraded connections, and routes with histogram = false.",
        labels: &["http_request_method", "http_route"],
    };

    pub(super) const FUNCTION_DURATION: Family = Family {
        name: "function_duration_seconds",
        help: "Duration of investigated functions, by result.",
        labels: &["function", "module", "result"],
    };

    pub(super) const BUILD_INFO: Family = Family {
        name: "detective_build_info",
        help: "Always 1; the label says which version of Detective is running.",
        labels: &["version"],
    };
    pub(super) const QUEUE_DEPTH: Family = Family {
        name: "detective_queue_depth",
        help: "Items that wait in a queue.",
        labels: &["queue"],
    };
    pub(super) const QUEUE_CAPACITY: Family = Family {
        name: "detective_queue_capacity",
        help: "Items that a queue can hold before it drops further ones.",
        labels: &["queue"],
    };
    pub(super) const DROPPED: Family = Family {
        name: "detective_dropped_total",
        help: "Items that were dropped, by reason.",
        labels: &["reason"],
    };
    pub(super) const EXCHANGES: Family = Family {
        name: "detective_exchanges_total",
        help: "Exchanges with the store, the cache and the exporter that succeeded.",
        labels: &["part"],
    };
    pub(super) const FAILURES: Family = Family {
        name: "detective_failures_total",
        help: "Exchanges with the store, the cache and the exporter that failed.",
        labels: &["part"],
    };
    pub(super) const RECORDS: Family = Family {
        name: "detective_records_total",
        help: "Finished requests that the pipeline took over.",
        labels: &[],
    };
    pub(super) const ROWS_WRITTEN: Family = Family {
        name: "detective_rows_written_total",
        help: "Rows that are safely in the store.",
        labels: &[],
    };
    pub(super) const SPANS_EXPORTED: Family = Family {
        name: "detective_spans_exported_total",
        help: "Spans that Jaeger took, or that were sent to its agent.",
        labels: &[],
    };
    pub(super) const TRACES_NOT_KEPT: Family = Family {
        name: "detective_traces_not_kept_total",
        help: "Traces that sampling decided not to keep.",
        labels: &[],
    };
    pub(super) const CACHE_HITS: Family = Family {
        name: "detective_cache_hits_total",
        help: "Cache look-ups that found something.",
        labels: &[],
    };
    pub(super) const CACHE_MISSES: Family = Family {
        name: "detective_cache_misses_total",
        help: "Cache look-ups that found nothing.",
        labels: &[],
    };
    pub(super) const ROUTES_OVERFLOWED: Family = Family {
        name: "detective_routes_overflowed_total",
        help: "Look-ups of a method and route beyond metrics.max_routes, answered by the series with endpoint _OVERFLOW.",
        labels: &[],
    };
}
