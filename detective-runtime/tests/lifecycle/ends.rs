//! Tests all the ways in which a request can end.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use detective::investigate;
use detective::testing::Outcome;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::{Watched, request, watch};

#[investigate]
async fn endless() -> StatusCode {
    inner_wait().await
}

#[investigate]
async fn inner_wait() -> StatusCode {
    std::future::pending().await
}

#[investigate]
async fn broken() -> StatusCode {
    tokio::task::yield_now().await;
    panic!("it is broken")
}

#[investigate]
async fn calls_broken() -> String {
    plain_broken(1)
}

#[investigate]
fn plain_broken(number: u32) -> String {
    if number > 0 {
        panic!("number {number} is broken");
    }
    String::new()
}

async fn unmarked_broken() -> String {
    panic!("nobody investigates me")
}

#[investigate]
async fn recovers() -> &'static str {
    let caught = AssertUnwindSafe(broken()).catch_unwind().await;
    if caught.is_err() { "recovered" } else { "?" }
}

fn parts(count: usize) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send {
    stream::iter(0..count).then(|number| async move {
        tokio::task::yield_now().await;
        Ok(Bytes::from(format!("part {number}")))
    })
}

#[investigate]
async fn streamed() -> Body {
    Body::from_stream(parts(3))
}

#[investigate]
async fn breaks_off() -> Body {
    let failure = stream::iter([Err(std::io::Error::other("the disk is on fire"))]);
    Body::from_stream(parts(1).chain(failure))
}

#[investigate]
async fn panics_in_its_body() -> Body {
    let panic = stream::once(async { panic!("in mid-body") });
    Body::from_stream(parts(1).chain(panic))
}

#[investigate]
async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::iter(0..2).map(|number| Ok(Event::default().data(number.to_string()))))
}

#[investigate]
async fn upgrade() -> Response {
    let headers = [("connection", "upgrade"), ("upgrade", "websocket")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// An error that panics in `Display`.
#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("half")?;
        panic!("an error that panics on purpose")
    }
}

impl std::error::Error for Unspeakable {}

async fn panics_in_display() -> Body {
    Body::from_stream(stream::iter([Err::<Bytes, _>(Unspeakable)]))
}

async fn broken_events() -> Sse<impl Stream<Item = Result<Event, std::io::Error>>> {
    Sse::new(stream::iter([Err(std::io::Error::other("no news"))]))
}

async fn app() -> Watched {
    watch("", app_router()).await
}

fn app_router() -> Router {
    Router::new()
        .route("/endless", get(endless))
        .route("/broken", get(broken))
        .route("/calls-broken", get(calls_broken))
        .route("/unmarked-broken", get(unmarked_broken))
        .route("/recovers", get(recovers))
        .route("/streamed", get(streamed))
        .route("/breaks-off", get(breaks_off))
        .route("/panics-in-its-body", get(panics_in_its_body))
        .route("/events", get(events))
        .route("/upgrade", get(upgrade))
        .route("/panics_in_display", get(panics_in_display))
        .route("/broken-events", get(broken_events))
        .route("/nothing", get(async || StatusCode::NO_CONTENT))
}

/// Polls a request once, up to its handler's first wait, and drops it.
async fn abandon(watched: &Watched, path: &str) {
    let mut answer = pin!(watched.app.clone().oneshot(request("GET", path)));
    assert!(futures_util::poll!(&mut answer).is_pending());
}

/// Sends a request whose handler panics. In a server, this would end the connection.
async fn panic(watched: &Watched, path: &str) {
    let answer = AssertUnwindSafe(watched.call(request("GET", path)));
    assert!(answer.catch_unwind().await.is_err());
}

#[tokio::test]
async fn client_that_leaves_before_the_head() {
    let watched = app().await;
    abandon(&watched, "/endless").await;
    watched
        .check(&[("/endless", "GET", None, Outcome::ClientDisconnect)])
        .await;
    let row = watched.row().await;
    assert_eq!((row.time_to_head, row.error), (None, None));
    assert_eq!(row.handler.as_deref(), Some("lifecycle::ends::endless"));
    assert_eq!(
        watched.sinks.tree().await,
        "GET /endless (server) !\n  endless (internal)\n    inner_wait (internal)\n"
    );
    let count = r#"http_requests_total{endpoint="/endless",method="GET",status="499"}"#;
    assert_eq!(watched.sinks.metric(count), Some(1.0));
    assert_eq!(watched.total("http_request_duration_seconds_count"), 1.0);
}

#[tokio::test]
async fn client_that_leaves_before_the_handler_is_polled() {
    let watched = app().await;
    drop(watched.app.clone().oneshot(request("GET", "/endless")));
    // A tower service is called at the first poll of its future. Before that, the head has not
    // arrived.
    watched.check(&[]).await;
}

#[tokio::test]
async fn client_that_leaves_in_mid_body() {
    let watched = app().await;
    let mut response = watched.call(request("GET", "/streamed")).await;
    response.body_mut().frame().await.unwrap().unwrap();
    watched.check_in_flight(1.0);
    drop(response);
    watched
        .check(&[("/streamed", "GET", Some(200), Outcome::ClientDisconnect)])
        .await;
    assert_eq!(watched.row().await.response_bytes, 6);
}

#[tokio::test]
async fn body_that_is_never_read() {
    let watched = app().await;
    drop(watched.call(request("GET", "/streamed")).await);
    watched
        .check(&[("/streamed", "GET", Some(200), Outcome::ClientDisconnect)])
        .await;
}

#[tokio::test]
async fn streamed_body_is_measured_to_its_end() {
    let watched = app().await;
    assert_eq!(watched.get("/streamed").await.1, "part 0part 1part 2");
    watched
        .check(&[("/streamed", "GET", Some(200), Outcome::Ok)])
        .await;
    let row = watched.row().await;
    assert_eq!(row.response_bytes, 18);
    assert!(row.time_to_head.unwrap() < row.response_time);
}

#[tokio::test]
async fn body_that_fails() {
    let watched = app().await;
    let response = watched.call(request("GET", "/breaks-off")).await;
    response.into_body().collect().await.unwrap_err();
    watched
        .check(&[("/breaks-off", "GET", Some(200), Outcome::ServerError)])
        .await;
    let row = watched.row().await;
    assert_eq!(row.error.as_deref(), Some("the disk is on fire"));
}

#[tokio::test]
async fn body_that_panics() {
    let watched = app().await;
    let response = watched.call(request("GET", "/panics-in-its-body")).await;
    let body = AssertUnwindSafe(response.into_body().collect());
    assert!(body.catch_unwind().await.is_err());
    watched
        .check(&[("/panics-in-its-body", "GET", Some(200), Outcome::Panic)])
        .await;
}

#[tokio::test]
async fn handler_that_panics() {
    let watched = app().await;
    panic(&watched, "/broken").await;
    panic(&watched, "/unmarked-broken").await;
    watched
        .check(&[
            ("/broken", "GET", Some(500), Outcome::Panic),
            ("/unmarked-broken", "GET", Some(500), Outcome::Panic),
        ])
        .await;
    assert_eq!(
        watched.sinks.tree().await,
        "GET /broken (server) !\n  broken (internal) ! it is broken\nGET /unmarked-broken (server) !\n"
    );
}

#[tokio::test]
async fn plain_function_that_panics_below_a_handler() {
    let watched = app().await;
    panic(&watched, "/calls-broken").await;
    watched
        .check(&[("/calls-broken", "GET", Some(500), Outcome::Panic)])
        .await;
    assert_eq!(
        watched.sinks.tree().await,
        "GET /calls-broken (server) !\n  calls_broken (internal) ! number 1 is broken\n    \
         plain_broken (internal) ! number 1 is broken\n"
    );
    let row = watched.row().await;
    let handler = Some("lifecycle::ends::calls_broken");
    assert_eq!(row.handler.as_deref(), handler);
    assert_eq!(row.error.as_deref(), Some("number 1 is broken"));
}

#[tokio::test]
async fn panic_that_a_layer_turns_into_an_answer() {
    let app = Router::new()
        .route("/broken", get(broken))
        .route("/unmarked-broken", get(unmarked_broken));
    let watched = watch("", app.layer(CatchPanicLayer::new())).await;
    assert_eq!(watched.get("/broken").await.0, 500);
    watched
        .check(&[("/broken", "GET", Some(500), Outcome::Panic)])
        .await;
}

#[tokio::test]
async fn panic_that_the_handler_recovers_from() {
    let watched = app().await;
    assert_eq!(watched.get("/recovers").await.1, "recovered");
    watched
        .check(&[("/recovers", "GET", Some(200), Outcome::Ok)])
        .await;
    // The span that panicked still shows it.
    assert_eq!(
        watched.sinks.tree().await,
        "GET /recovers (server)\n  recovers (internal)\n    broken (internal) ! it is broken\n"
    );
}

#[tokio::test(start_paused = true)]
async fn handler_that_a_timeout_drops() {
    for status in [408, 504, 503, 200] {
        let status = StatusCode::from_u16(status).unwrap();
        let timeout = TimeoutLayer::with_status_code(status, Duration::from_millis(10));
        let app = Router::new().route("/endless", get(endless)).layer(timeout);
        let watched = watch("", app).await;
        assert_eq!(watched.get("/endless").await.0, status);
        watched
            .check(&[("/endless", "GET", Some(status.as_u16()), Outcome::Timeout)])
            .await;
        let tree = watched.sinks.tree().await;
        assert_eq!(
            tree,
            "GET /endless (server) !\n  endless (internal)\n    inner_wait (internal)\n"
        );
    }
}

#[tokio::test]
async fn event_stream_is_one_record_out_of_the_histogram() {
    let watched = app().await;
    assert_eq!(watched.get("/events").await.1, "data: 0\n\ndata: 1\n\n");
    watched
        .check(&[("/events", "GET", Some(200), Outcome::Ok)])
        .await;
    assert_eq!(watched.total("http_request_duration_seconds_count"), 0.0);
}

#[tokio::test]
async fn event_stream_whose_client_leaves_has_ended_well() {
    let watched = watch("tracing.sample = 0.0", app_router()).await;
    let mut response = watched.call(request("GET", "/events")).await;
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    watched
        .check(&[("/events", "GET", Some(200), Outcome::Ok)])
        .await;
    assert_eq!(watched.sinks.tree().await, "");
}

#[tokio::test]
async fn event_stream_that_fails_has_failed() {
    let watched = app().await;
    let response = watched.call(request("GET", "/broken-events")).await;
    response.into_body().collect().await.unwrap_err();
    watched
        .check(&[("/broken-events", "GET", Some(200), Outcome::ServerError)])
        .await;
}

#[tokio::test]
async fn body_that_fails_is_recorded_as_the_config_says() {
    for (toml, expected) in [
        ("capture.error = false", None),
        ("capture.max_text_bytes = 64", Some("the disk is on fire")),
        ("capture.max_text_bytes = 8", Some("the disk")),
    ] {
        let watched = watch(toml, app_router()).await;
        let response = watched.call(request("GET", "/breaks-off")).await;
        response.into_body().collect().await.unwrap_err();
        assert_eq!(watched.row().await.error.as_deref(), expected, "{toml}");
    }
}

#[tokio::test]
async fn body_whose_error_cannot_be_shown() {
    let watched = app().await;
    let response = watched.call(request("GET", "/panics_in_display")).await;
    response.into_body().collect().await.unwrap_err();
    watched
        .check(&[("/panics_in_display", "GET", Some(200), Outcome::ServerError)])
        .await;
    assert_eq!(watched.row().await.error.as_deref(), Some("half"));
}

#[tokio::test]
async fn request_after_the_shutdown_is_counted_as_dropped() {
    let watched = app().await;
    let (app, sinks) = (watched.app, watched.sinks);
    watched.detective.shutdown().await.unwrap();
    for _ in 0..5 {
        app.clone()
            .oneshot(request("GET", "/nothing"))
            .await
            .unwrap();
    }
    let dropped = r#"detective_dropped_total{reason="record_queue_full"}"#;
    assert_eq!(sinks.metric(dropped), Some(5.0));
    let waiting = r#"detective_queue_depth{queue="records"}"#;
    assert_eq!(sinks.metric(waiting), Some(0.0));
}

#[tokio::test]
async fn upgrade_is_one_record_out_of_the_histogram() {
    let watched = app().await;
    assert_eq!(watched.get("/upgrade").await.0, 101);
    watched
        .check(&[("/upgrade", "GET", Some(101), Outcome::Ok)])
        .await;
    assert_eq!(watched.total("http_request_duration_seconds_count"), 0.0);
}

#[tokio::test]
async fn answers_without_a_body_end_with_their_head() {
    let watched = app().await;
    let nothing = watched.call(request("GET", "/nothing")).await;
    let head = watched.call(request("HEAD", "/streamed")).await;
    watched
        .check(&[
            ("/nothing", "GET", Some(204), Outcome::Ok),
            ("/streamed", "HEAD", Some(200), Outcome::Ok),
        ])
        .await;
    drop((nothing, head));
}

impl Watched {
    #[track_caller]
    pub(crate) fn check_in_flight(&self, expected: f64) {
        assert_eq!(self.total("http_requests_in_flight"), expected);
    }
}
