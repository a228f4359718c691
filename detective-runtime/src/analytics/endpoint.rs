//! `/analytics/endpoint/{*endpoint}`: one endpoint in detail, asked for by its template or by a
//! path that was called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metrics::{error_rate, success_rate};
use crate::store::EndpointStats;

/// One endpoint, as it is answered. Times are seconds, rates 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct EndpointAnswer {
    total_requests: u64,
    avg_response_time: f64,
    success_rate: f64,
    error_rate: f64,
    requests_by_method: BTreeMap<String, u64>,
    /// Requests without an answer have no status and are not in it.
    status_code_distribution: BTreeMap<u16, u64>,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl From<EndpointStats> for EndpointAnswer {
    fn from(stats: EndpointStats) -> Self {
        let summary = &stats.summary;
        Self {
            total_requests: summary.requests,
            avg_response_time: summary.average,
            success_rate: success_rate(summary),
            error_rate: error_rate(summary),
            p50: summary.p50,
            p90: summary.p90,
            p95: summary.p95,
            p99: summary.p99,
            max: summary.max,
            requests_by_method: stats.by_method.into_iter().collect(),
            status_code_distribution: stats.by_status.into_iter().collect(),
        }
    }
}

/// The one of `known` that `asked` means: itself, with or without its leading slash, or else the
/// template that matches it segment by segment. A literal segment beats a parameter, and a
/// parameter beats `{*rest}`, from left to right, as in axum.
pub(super) fn match_template<'a>(known: &'a [String], asked: &str) -> Option<&'a str> {
    let bare = asked.trim_start_matches('/');
    let exact = |template: &&String| template.trim_start_matches('/') == bare;
    if let Some(template) = known.iter().find(exact) {
        return Some(template);
    }
    known
        .iter()
        .filter_map(|template| Some((specificity(template, bare)?, template)))
        .max_by(|(left, _), (right, _)| left.cmp(right))
        .map(|(_, template)| template.as_str())
}

/// How `template` matches `path`, one number for each segment, larger for a closer match; `None`
/// when it does not.
fn specificity(template: &str, path: &str) -> Option<Vec<u8>> {
    let mut path = path.split('/');
    let mut matches = Vec::new();
    for segment in template.strip_prefix('/')?.split('/') {
        let actual = path.next()?;
        matches.push(match parameter(segment) {
            None if segment == actual => 2,
            None => return None,
            _ if actual.is_empty() => return None,
            Some(name) if name.starts_with('*') => {
                matches.push(0);
                return Some(matches);
            }
            Some(_) => 1,
        });
    }
    path.next().is_none().then_some(matches)
}

/// The name of a parameter segment. `{{` is a literal brace.
fn parameter(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    (!name.starts_with('{')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, expected: Option<&str>) {
        let known = [
            "/files/{*path}",
            "/users/{user_id}",
            "/users/me",
            "/users/{user_id}/toys/{toy_id}",
            "/",
            "unmatched",
        ]
        .map(str::to_owned);
        assert_eq!(match_template(&known, asked), expected, "for `{asked}`");
    }

    #[test]
    fn templates_are_found_by_themselves_and_by_paths() {
        check("users/{user_id}", Some("/users/{user_id}"));
        check("/users/{user_id}", Some("/users/{user_id}"));
        check("/", Some("/"));
        check("unmatched", Some("unmatched"));
        check("/users/1", Some("/users/{user_id}"));
        check("users/me", Some("/users/me"));
        check("users/1/toys/2", Some("/users/{user_id}/toys/{toy_id}"));
        check("files/a/b.txt", Some("/files/{*path}"));
        check("files", None);
        check("files/", None);
        check("users/1/", None);
        check("users/1/toys", None);
        check("nowhere", None);
    }
}
