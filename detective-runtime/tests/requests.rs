//! Tests that every request is recorded and counted exactly once, however it ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Method, Request, StatusCode};
use axum::routing::{any, get};
use detective::testing::{self, Outcome, Sinks};
use detective::{Detective, investigate};
use tower::ServiceExt;

#[investigate(fields(id))]
async fn get_user(Path(id): Path<i64>) -> Result<String, StatusCode> {
    load(id).await.map_err(|_| StatusCode::NOT_FOUND)
}

#[investigate]
async fn load(id: i64) -> Result<String, std::fmt::Error> {
    if id > 0 {
        Ok(format!("user {id}"))
    } else {
        Err(std::fmt::Error)
    }
}

#[investigate]
async fn broken() -> StatusCode {
    panic!("it is broken")
}

#[investigate]
async fn endless() -> StatusCode {
    std::future::pending().await
}

fn app() -> Router {
    Router::new()
        .route("/users/{id}", get(get_user))
        .route("/broken", get(broken))
        .route("/endless", get(endless))
        .route("/any", any(async || "anything"))
        .nest(
            "/nested",
            Router::new().route("/{name}", get(async || "nested")),
        )
        .route("/health", get(async || "well"))
}

async fn start(toml: &str) -> (Detective, Sinks, Router) {
    let (detective, sinks) = testing::start(toml).await.unwrap();
    let app = detective.watch(app());
    (detective, sinks, app)
}

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap()
}

/// Sends a request and reads the whole response.
async fn send(app: &Router, method: Method, path: &str) -> (StatusCode, String) {
    let response = app.clone().oneshot(request(method, path)).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_leaves_a_row_a_trace_and_its_numbers() {
    let (_detective, sinks, app) = start("").await;
    assert_eq!(
        send(&app, Method::GET, "/users/7?page=2").await,
        (StatusCode::OK, "user 7".into())
    );

    let rows = sinks.rows().await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(
        (row.endpoint.as_str(), row.method.as_str()),
        ("/users/{id}", "GET")
    );
    assert_eq!(row.path.as_deref(), Some("/users/7"));
    assert_eq!((row.status_code, row.outcome), (Some(200), Outcome::Ok));
    assert_eq!(row.handler.as_deref(), Some("requests::get_user"));
    assert_eq!(row.response_bytes, 6);
    assert_eq!(row.error, None);
    assert!(row.time_to_head.unwrap() <= row.response_time);

    assert_eq!(
        sinks.tree().await,
        "GET /users/{id} (server)\n  get_user (internal) id=7\n    load (internal)\n"
    );
    let spans = sinks.spans().await;
    assert_eq!(row.trace_id, Some(spans[0].trace_id));

    let labels = r#"{endpoint="/users/{id}",method="GET""#;
    assert_eq!(
        sinks.metric(&format!("http_requests_total{labels},status=\"200\"}}")),
        Some(1.0)
    );
    assert_eq!(
        sinks.metric(&format!("http_request_duration_seconds_count{labels}}}")),
        Some(1.0)
    );
    assert_eq!(
        sinks.metric(&format!("http_requests_in_flight{labels}}}")),
        Some(0.0)
    );
}
