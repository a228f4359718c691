//! What the store tells of a collector that does not take its spans: on its health, and by its doctor.

use std::convert::Infallible;

use axum::body::Body;
use detective_tests::{Store, until};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::net::TcpListener;

/// Answers to every export with these headers, by both protocols. Gives its address.
async fn collector(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |_: Request<Incoming>| async move {
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = status.try_into().expect("a status");
                for (name, value) in headers {
                    let value = HeaderValue::from_static(value);
                    HeaderMap::insert(response.headers_mut(), *name, value);
                }
                Ok::<_, Infallible>(response)
            });
            tokio::spawn(async move {
                auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await
            });
        }
    });
    format!("http://{address}")
}

fn store(endpoint: &str, protocol: &str) -> Store {
    Store::new()
        .env("DETECTIVE_JAEGER__ENDPOINT", endpoint)
        .env("DETECTIVE_JAEGER__PROTOCOL", protocol)
        .env("DETECTIVE_JAEGER__FLUSH_INTERVAL", "50ms")
}

/// The reason stands on the health of a running store, each span is accounted for, and the doctor
/// says the same.
async fn check(endpoint: &str, protocol: &str, reason: &str, dropped: &str) {
    let running = store(endpoint, protocol).start().await;
    assert_eq!(running.get("/toys/1").await.status(), 200);
    let health = until("the spans are counted", async || {
        let answer = running.get("/analytics/health").await;
        let health: Value = answer.json().await.expect("health is JSON");
        match health["dropped"][dropped].as_u64() {
            Some(1..) => Ok(health),
            _ => Err(health.to_string()),
        }
    })
    .await;
    assert_eq!(health["exporter"]["state"], "failing", "{health}");
    let error = health["exporter"]["last_error"]
        .as_str()
        .unwrap_or_default();
    assert!(error.contains(reason), "{error}");

    let (code, output) = store(endpoint, protocol).detective("doctor").await;
    assert_eq!(code, Some(1), "{output}");
    assert!(
        output.contains("bad  jaeger    cannot send a span to `"),
        "{output}"
    );
    assert!(output.contains(reason), "{output}");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason() {
    let http = collector(401, &[("content-type", "text/plain")], "token expired").await;
    let reason = "401 Unauthorized: token expired";
    check(&http, "otlp-http", reason, "span_export_failed").await;
    let status = &[
        ("content-type", "application/grpc"),
        ("grpc-status", "16"),
        ("grpc-message", "token%20expired"),
    ];
    let grpc = collector(200, status, "").await;
    let reason = "Unauthenticated: token expired";
    check(&grpc, "otlp-grpc", reason, "span_export_failed").await;
}

#[tokio::test]
async fn a_web_page_is_no_collector() {
    let page = &[("content-type", "text/html")];
    let page = collector(200, page, "<!doctype html><title>Jaeger UI</title>").await;
    check(
        &page,
        "otlp-http",
        "the answer is a web page",
        "span_export_failed",
    )
    .await;
}

#[tokio::test]
async fn rejected_spans_are_told() {
    // `partial_success { rejected_spans: 1, error_message: "quota" }`
    let kind = &[("content-type", "application/x-protobuf")];
    let partial = collector(200, kind, "\x0a\x09\x08\x01\x12\x05quota").await;
    check(&partial, "otlp-http", "quota", "span_rejected").await;
}
