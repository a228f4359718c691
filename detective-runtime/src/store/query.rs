//! Questions to the store, and its answers: the same for every engine.

use std::time::SystemTime;

/// Selects rows. Bounds are inclusive; `None` leaves a side open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) start: Option<SystemTime>,
    pub(crate) end: Option<SystemTime>,
    /// An exact route template.
    pub(crate) endpoint: Option<String>,
    pub(crate) method: Option<String>,
}

/// Counts and times of a set of requests; times are in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) requests: u64,
    /// Answered with a status below 400.
    pub(crate) successes: u64,
    /// Answered with another status. Requests without a response are in neither count.
    pub(crate) errors: u64,
    pub(crate) average: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// All endpoints over a time range.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Overview {
    /// By name.
    pub(crate) routes: Vec<RouteMetrics>,
    /// Start of the first and of the last request in the time range, whatever their endpoint.
    pub(crate) covered: Option<(SystemTime, SystemTime)>,
}

/// One endpoint and method.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RouteMetrics {
    pub(crate) endpoint: String,
    pub(crate) method: String,
    pub(crate) summary: Summary,
    /// Start of the latest request.
    pub(crate) last_seen: SystemTime,
}

/// One endpoint with all its methods.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EndpointStats {
    pub(crate) summary: Summary,
    pub(crate) by_method: Vec<(String, u64)>,
    pub(crate) by_status: Vec<(u16, u64)>,
}
