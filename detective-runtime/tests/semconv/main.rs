//! The attributes of the server's span, by OpenTelemetry's conventions for HTTP, version 1.44:
//! <https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md>

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attributes;
mod spans;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::request::Builder;
use axum::routing::{any, get};
use detective::testing::{self, Span, SpanKind};
use futures_util::{FutureExt, stream};
use http_body_util::BodyExt;
use tower::ServiceExt;

fn app() -> Router {
    let piece = || Ok(Bytes::from_static(b"more"));
    let broken = || Err(std::io::Error::other("no more"));
    Router::new()
        .route("/users/{id}", any(async || "user 7"))
        .route(
            "/status/{code}",
            get(async |Path(code): Path<u16>| StatusCode::from_u16(code).unwrap()),
        )
        .route(
            "/panic",
            get(async || -> StatusCode { panic!("it is broken") }),
        )
        .route("/never", get(std::future::pending::<StatusCode>))
        .route(
            "/endless",
            get(async move || {
                Body::from_stream(stream::repeat_with(move || piece() as std::io::Result<_>))
            }),
        )
        .route(
            "/cut-off",
            get(async move || Body::from_stream(stream::iter([piece(), broken()]))),
        )
        .route(
            "/labelled",
            get(async || ([("x-request-id", "7"), ("set-cookie", "secret")], "")),
        )
        .nest(
            "/api",
            Router::new().route("/{name}", get(async || "nested")),
        )
}

/// What the client does with the response.
#[derive(Clone, Copy)]
enum Client {
    /// Reads all of it.
    Reads,
    /// Disconnects after the first piece.
    HangsUp,
    /// Disconnects before the head.
    HangsUpAtOnce,
}

/// Sends a request to the application with the settings in `toml`, and compares its server span.
/// The attributes are sorted by name.
async fn check(toml: &str, request: Builder, expected: &str) {
    check_with(Client::Reads, toml, request, expected).await;
}

async fn check_with(client: Client, toml: &str, request: Builder, expected: &str) {
    let span = server_span(client, toml, request).await;
    assert_eq!(shown(&span), expected.trim_start());
}

/// Like [`check`], but only for some attributes: each has the given value, or is absent.
async fn check_attributes(toml: &str, request: Builder, expected: &[(&str, Option<String>)]) {
    let span = server_span(Client::Reads, toml, request).await;
    for (key, value) in expected {
        let found = span.attribute(key).map(ToString::to_string);
        assert_eq!(found, *value, "`{key}` of {}", shown(&span));
    }
}

fn text(value: &str) -> Option<String> {
    Some(format!("{value:?}"))
}

async fn server_span(client: Client, toml: &str, request: Builder) -> Span {
    let (detective, sinks) = testing::start(toml).await.unwrap();
    let app = detective.watch(app());
    let answer = app.oneshot(request.body(Body::empty()).unwrap());
    let answer = tokio::spawn(async move {
        match client {
            Client::Reads => drop(answer.await.unwrap().into_body().collect().await),
            Client::HangsUp => drop(answer.await.unwrap().into_body().frame().await),
            // The request has reached the handler now.
            Client::HangsUpAtOnce => assert!(answer.now_or_never().is_none()),
        }
    });
    // A panic of the handler ends the task, as it would end a connection.
    let _panicked = answer.await;
    let spans = sinks.spans().await;
    let mut server = spans
        .into_iter()
        .filter(|span| span.kind == SpanKind::Server);
    server.next().expect("the request left a span")
}

fn shown(span: &Span) -> String {
    let mut lines: Vec<_> = span
        .attributes
        .iter()
        .filter(|(key, _)| !key.starts_with("detective."))
        .map(|(key, value)| format!("  {key}={value}\n"))
        .collect();
    lines.sort();
    let error = span
        .error
        .as_ref()
        .map(|description| format!(" !{description}"));
    format!(
        "{}{}\n{}",
        span.name,
        error.unwrap_or_default(),
        lines.concat()
    )
}
