//! Tests errors that are marked by hand, and their effect on the request.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use detective::investigate;
use detective::testing::Outcome;

use crate::watch;

/// Marks an error and answers with `status`. Returns the error and the outcome of the row, and the
/// span tree.
async fn marked(toml: &str, status: StatusCode) -> (Option<String>, Outcome, String) {
    let handler = investigated_handler(status);
    let watched = watch(toml, Router::new().route("/", handler)).await;
    watched.get("/").await;
    let row = watched.row().await;
    (row.error, row.outcome, watched.sinks.tree().await)
}

fn investigated_handler(status: StatusCode) -> axum::routing::MethodRouter {
    #[investigate]
    async fn answers(status: StatusCode) -> StatusCode {
        detective::mark_error("no receipt");
        status
    }
    get(move || answers(status))
}

async fn check(toml: &str, status: u16, error: Option<&str>, outcome: Outcome, tree: &str) {
    let status = StatusCode::from_u16(status).unwrap();
    let expected = (error.map(str::to_owned), outcome, tree.to_owned());
    assert_eq!(marked(toml, status).await, expected, "{status} {toml}");
}

const SAMPLE_NONE: &str = "tracing.sample = 0.0\n";
const FAILED: &str = "GET / (server) !\n  answers (internal) ! no receipt\n";
const NO_TEXT: &str = "GET / (server) !\n  answers (internal) !\n";

#[tokio::test]
async fn the_response_decides_the_outcome_and_the_handler_the_error() {
    let error = Some("no receipt");
    check(SAMPLE_NONE, 200, error, Outcome::Ok, FAILED).await;
    check(SAMPLE_NONE, 404, error, Outcome::ClientError, "").await;
    check(SAMPLE_NONE, 503, error, Outcome::ServerError, FAILED).await;
}

#[tokio::test]
async fn a_marked_error_follows_the_config() {
    let no_text = "tracing.sample = 0.0\ncapture.error = false";
    check(no_text, 200, None, Outcome::Ok, NO_TEXT).await;
    let error = Some("no receipt");
    check("tracing.enabled = false", 200, error, Outcome::Ok, "").await;
    let no_spans = "tracing.sample = 0.0\ninvestigate.\"*\".spans = false";
    check(no_spans, 200, error, Outcome::Ok, "GET / (server) !\n").await;
    let cut_off = "tracing.sample = 0.0\ncapture.max_text_bytes = 2";
    let tree = "GET / (server) !\n  answers (internal) ! no\n";
    check(cut_off, 200, Some("no"), Outcome::Ok, tree).await;
}

#[tokio::test]
async fn a_handler_without_the_attribute_marks_its_request() {
    let handler = get(async || detective::mark_error("no receipt"));
    let watched = watch(SAMPLE_NONE, Router::new().route("/", handler)).await;
    watched.get("/").await;
    let row = watched.row().await;
    assert_eq!(row.error.as_deref(), Some("no receipt"));
    assert_eq!(row.outcome, Outcome::Ok);
    assert_eq!(watched.sinks.tree().await, "GET / (server) !\n");
}

#[tokio::test]
async fn a_function_below_the_handler_marks_only_itself() {
    #[investigate]
    async fn answers() {
        below();
    }
    #[investigate]
    fn below() {
        detective::mark_error("no receipt");
    }
    let watched = watch("", Router::new().route("/", get(answers))).await;
    watched.get("/").await;
    assert_eq!(watched.row().await.error, None);
    assert_eq!(
        watched.sinks.tree().await,
        "GET / (server)\n  answers (internal)\n    below (internal) ! no receipt\n"
    );
    let failed = |line: &str| line.contains("below") && line.contains("error");
    let metrics = watched.sinks.metrics();
    assert!(metrics.lines().any(failed), "{metrics}");
}

#[tokio::test]
async fn a_mark_outside_any_function_does_nothing() {
    detective::mark_error("nobody listens");
    detective::set_field("key", 1);
    detective::set_consumer("ada");
    assert_eq!(detective::trace_id(), None);
}
