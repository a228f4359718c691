//! `/analytics/metrics`: every endpoint and method in a list.

use serde::{Deserialize, Serialize};

use super::range::Range;
use crate::clock;
use crate::store::{Overview, RouteMetrics, Summary};

/// One endpoint and method, as it is answered. Times are seconds, rates 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct EndpointMetrics {
    endpoint: String,
    method: String,
    avg_response_time: f64,
    requests_per_minute: f64,
    success_rate: f64,
    error_rate: f64,
    total_requests: u64,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    max: f64,
    /// UTC, to the microsecond.
    last_seen: String,
}

/// The answer for `range`.
pub(super) fn answer(overview: Overview, range: &Range) -> Vec<EndpointMetrics> {
    let minutes = minutes(&overview, range);
    let routes = overview.routes.into_iter();
    routes
        .map(|route| EndpointMetrics::new(route, minutes))
        .collect()
}

impl EndpointMetrics {
    fn new(route: RouteMetrics, minutes: f64) -> Self {
        let summary = &route.summary;
        Self {
            avg_response_time: summary.average,
            requests_per_minute: ratio(summary.requests as f64, minutes),
            success_rate: success_rate(summary),
            error_rate: error_rate(summary),
            total_requests: summary.requests,
            p50: summary.p50,
            p90: summary.p90,
            p95: summary.p95,
            p99: summary.p99,
            max: summary.max,
            last_seen: clock::text(route.last_seen),
            endpoint: route.endpoint,
            method: route.method,
        }
    }
}

/// The time that `requests_per_minute` divides by: the asked range, and when a side of it is open,
/// the time from the first to the last request in it. That is the same for every endpoint, so that
/// a rare one is not reported as busy because its two calls came close together.
fn minutes(overview: &Overview, range: &Range) -> f64 {
    let asked = range.start.zip(range.end);
    let (start, end) = match asked {
        Some((start, end)) => (start.into(), end.into()),
        None => match overview.covered {
            Some(covered) => covered,
            None => return 0.0,
        },
    };
    end.duration_since(start).unwrap_or_default().as_secs_f64() / 60.0
}

/// The share of the answered requests that succeeded. Those without an answer are left out.
pub(super) fn success_rate(summary: &Summary) -> f64 {
    ratio(
        summary.successes as f64,
        (summary.successes + summary.errors) as f64,
    )
}

/// The share of the answered requests that did not succeed.
pub(super) fn error_rate(summary: &Summary) -> f64 {
    ratio(
        summary.errors as f64,
        (summary.successes + summary.errors) as f64,
    )
}

/// Zero over zero is zero: JSON has no other word for it.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
