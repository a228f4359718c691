//! Tests what the config decides for routes and functions.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use detective::investigate;
use detective::testing::Outcome;

use crate::{Watched, watch};

#[investigate]
async fn watched_handler() -> &'static str {
    helper();
    "watched"
}

#[investigate]
fn helper() {}

#[investigate]
async fn fails() -> Result<(), StatusCode> {
    Err(StatusCode::INTERNAL_SERVER_ERROR)
}

#[investigate]
async fn dawdles() {
    tokio::time::sleep(Duration::from_millis(30)).await;
}

async fn app(toml: &str) -> Watched {
    let app = Router::new()
        .route("/watched", get(watched_handler))
        .route("/fails", get(fails))
        .route("/dawdles", get(dawdles))
        .route("/plain", get(async || "plain"));
    watch(toml, app).await
}

/// Requests every route once. Returns the span tree, and the endpoints that have a row.
async fn left(toml: &str) -> (String, Vec<String>) {
    let watched = app(toml).await;
    for path in ["/watched", "/fails", "/dawdles", "/plain"] {
        watched.get(path).await;
    }
    let rows = watched.sinks.rows().await;
    let endpoints = rows.into_iter().map(|row| row.endpoint).collect();
    assert_eq!(watched.total("http_requests_in_flight"), 0.0);
    (watched.sinks.tree().await, endpoints)
}

const WATCHED: &str =
    "GET /watched (server)\n  watched_handler (internal)\n    helper (internal)\n";
const FAILS: &str = "GET /fails (server) !\n  fails (internal) ! 500 Internal Server Error\n";
const DAWDLES: &str = "GET /dawdles (server)\n  dawdles (internal)\n";
const PLAIN: &str = "GET /plain (server)\n";
const ALL: [&str; 4] = ["/watched", "/fails", "/dawdles", "/plain"];

async fn check(toml: &str, tree: &[&str], rows: &[&str]) {
    let (found_tree, found_rows) = left(toml).await;
    assert_eq!(found_tree, tree.concat(), "{toml}");
    assert_eq!(found_rows, rows, "{toml}");
}

#[tokio::test]
async fn everything_is_kept_by_default() {
    check("", &[WATCHED, FAILS, DAWDLES, PLAIN], &ALL).await;
}

#[tokio::test]
async fn spans_off() {
    check("[tracing]\nenabled = false", &[], &ALL).await;
    check(
        "[routes.\"/watched\"]\nspans = false",
        &[FAILS, DAWDLES, PLAIN],
        &ALL,
    )
    .await;
    check(
        "[investigate.\"lifecycle::rules::watched_handler\"]\nspans = false",
        &[
            "GET /watched (server)\n  helper (internal)\n",
            FAILS,
            DAWDLES,
            PLAIN,
        ],
        &ALL,
    )
    .await;
    check(
        "[investigate.\"lifecycle::*\"]\nspans = false",
        &[
            "GET /watched (server)\n",
            "GET /fails (server) !\n",
            "GET /dawdles (server)\n",
            PLAIN,
        ],
        &ALL,
    )
    .await;
}

#[tokio::test]
async fn record_off() {
    check(
        "[routes.\"/watched\"]\nrecord = false",
        &[WATCHED, FAILS, DAWDLES, PLAIN],
        &["/fails", "/dawdles", "/plain"],
    )
    .await;
    check(
        "[investigate.\"lifecycle::rules::*\"]\nrecord = false\n[routes.\"/fails\"]\nrecord = true",
        &[WATCHED, FAILS, DAWDLES, PLAIN],
        &["/fails", "/plain"],
    )
    .await;
    check(
        "[store]\nenabled = false",
        &[WATCHED, FAILS, DAWDLES, PLAIN],
        &[],
    )
    .await;
}

#[tokio::test]
async fn sample_of_nothing_keeps_errors_and_slow_requests() {
    check("[tracing]\nsample = 0.0", &[FAILS], &ALL).await;
    check(
        "[tracing]\nsample = 0.0\nslow = \"20ms\"",
        &[FAILS, DAWDLES],
        &ALL,
    )
    .await;
    check(
        "[tracing]\nsample = 0.0\n[routes.\"/dawdles\"]\nslow = \"20ms\"\n[routes.\"/plain\"]\nsample = 1.0",
        &[FAILS, DAWDLES, PLAIN],
        &ALL,
    )
    .await;
    check(
        "[tracing]\nsample = 0.0\n[investigate.\"*::dawdles\"]\nslow = \"20ms\"\n[investigate.\"*::watched_handler\"]\nsample = 1.0",
        &[WATCHED, FAILS, DAWDLES],
        &ALL,
    )
    .await;
}

#[tokio::test]
async fn histograms_off_and_their_bounds() {
    let watched = app("[routes.\"/watched\"]\nhistogram = false\n\
         [routes.\"/plain\"]\nbuckets = [0.5, 60.0]\n\
         [investigate.\"*::helper\"]\nhistogram = false")
    .await;
    watched.get("/watched").await;
    watched.get("/plain").await;
    assert_eq!(watched.total("http_requests_total"), 2.0);
    assert_eq!(watched.total("http_request_duration_seconds_count"), 1.0);
    assert_eq!(watched.total("function_duration_seconds_count"), 0.0);
    let metrics = watched.sinks.metrics();
    let bounds: Vec<_> = metrics
        .lines()
        .filter(|line| line.starts_with("http_request_duration_seconds_bucket{endpoint=\"/plain\""))
        .filter_map(|line| line.split("le=\"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(bounds, ["0.5", "60", "+Inf"]);
}

#[tokio::test]
async fn only_what_is_investigated() {
    let toml = "[http]\nwatch = \"investigated\"";
    check(
        toml,
        &[WATCHED, FAILS, DAWDLES],
        &["/watched", "/fails", "/dawdles"],
    )
    .await;
    let watched = app(toml).await;
    watched.get("/plain").await;
    watched.get("/nowhere").await;
    watched.get("/watched").await;
    watched
        .check(&[("/watched", "GET", Some(200), Outcome::Ok)])
        .await;
}

#[tokio::test]
async fn everything_off() {
    let watched =
        app("tracing.enabled = false\nmetrics.enabled = false\nstore.enabled = false").await;
    assert_eq!(watched.get("/watched").await.1, "watched");
    assert_eq!(watched.sinks.tree().await, "");
    assert!(watched.sinks.rows().await.is_empty());
}

#[tokio::test]
async fn health_probes_and_own_pages_are_left_out() {
    let app = Router::new()
        .route("/health", get(watched_handler))
        .route("/readyz", get(watched_handler));
    let watched = watch("", app).await;
    for path in [
        "/health",
        "/readyz",
        "/favicon.ico",
        "/metrics",
        "/analytics/health",
    ] {
        watched.get(path).await;
    }
    watched.check(&[]).await;
    assert_eq!(watched.sinks.tree().await, "");
}
