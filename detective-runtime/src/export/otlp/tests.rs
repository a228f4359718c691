#![allow(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use prost::Message as _;
use tokio::net::TcpListener;

use super::OtlpExporter;
use crate::config::{Jaeger, Protocol};
use crate::export::tests::{refusing_port, resource, span};
use crate::export::{ExportError, SpanKind};

/// Takes exports by either protocol, on a free port.
struct Collector {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

struct Received {
    path: String,
    headers: HeaderMap,
    export: ExportTraceServiceRequest,
}

impl Collector {
    /// Answers the first requests with `failures`, and the later ones well.
    async fn start(failures: Vec<StatusCode>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&received);
        tokio::spawn(async move {
            let failures = Arc::new(Mutex::new(failures.into_iter()));
            while let Ok((stream, _)) = listener.accept().await {
                let (received, failures) = (Arc::clone(&shared), Arc::clone(&failures));
                tokio::spawn(async move {
                    let service = service_fn(|request| {
                        let failure = failures.lock().unwrap().next();
                        answer(request, failure, Arc::clone(&received))
                    });
                    hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await
                });
            }
        });
        Self { port, received }
    }

    fn config(&self, protocol: Protocol) -> Jaeger {
        Jaeger {
            protocol,
            endpoint: format!("http://127.0.0.1:{}", self.port),
            ..Jaeger::default()
        }
    }

    fn received(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap()
    }
}

async fn answer(
    request: Request<Incoming>,
    failure: Option<StatusCode>,
    received: Arc<Mutex<Vec<Received>>>,
) -> Result<
    Response<
        impl hyper::body::Body<
            Data = Bytes,
            Error: std::fmt::Debug + Into<Box<dyn std::error::Error + Send + Sync>>,
        >,
    >,
    Infallible,
> {
    let (head, body) = request.into_parts();
    let mut body = body.collect().await.unwrap().to_bytes();
    let is_grpc = head.headers["content-type"] == "application/grpc";
    if is_grpc {
        // A frame's prefix: whether it is compressed, and its length.
        body = body.slice(5..);
    }
    received.lock().unwrap().push(Received {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        export: ExportTraceServiceRequest::decode(body).unwrap(),
    });
    let mut trailers = HeaderMap::new();
    if is_grpc {
        let status = if failure.is_some() { "14" } else { "0" };
        trailers.insert("grpc-status", HeaderValue::from_static(status));
    }
    let body: &[u8] = if is_grpc { &[0; 5] } else { &[] };
    let body = Full::new(Bytes::from_static(body)).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(body);
    match failure {
        Some(status) if !is_grpc => *response.status_mut() = status,
        _ if is_grpc => {
            let value = HeaderValue::from_static("application/grpc");
            response.headers_mut().insert("content-type", value);
        }
        _ => {}
    }
    Ok(response)
}

#[track_caller]
fn check_value(attributes: &[KeyValue], key: &str, expected: ProtoValue) {
    let attribute = attributes.iter().find(|attribute| attribute.key == key);
    let value = attribute.and_then(|attribute| attribute.value.clone()?.value);
    assert_eq!(value, Some(expected), "{key}");
}

fn text(text: &str) -> ProtoValue {
    ProtoValue::StringValue(text.to_owned())
}

async fn check_span_arrives(protocol: Protocol, expected_path: &str) {
    let collector = Collector::start(Vec::new()).await;
    let mut config = collector.config(protocol);
    config.headers.insert("x-tenant".to_owned(), "toys".into());
    let mut exporter = OtlpExporter::build(&config, resource()).unwrap();

    let child = crate::export::ExportSpan {
        kind: SpanKind::Client,
        error: None,
        events: Vec::new(),
        ..span("child")
    };
    exporter
        .export_spans(&[span("GET /toys"), child])
        .await
        .unwrap();

    let received = collector.received();
    let [received] = received.as_slice() else {
        panic!("{} requests", received.len());
    };
    assert_eq!(received.path, expected_path);
    assert_eq!(received.headers["x-tenant"], "toys");
    assert_eq!(received.headers.get_all("x-tenant").iter().count(), 1);
    assert!(!received.headers.contains_key("x-more"));
    assert!(!received.headers.contains_key("traceparent"));

    let resource_spans = &received.export.resource_spans[0];
    let resource = &resource_spans.resource.as_ref().unwrap().attributes;
    assert_eq!(resource.len(), 2);
    check_value(resource, "service.name", text("store"));
    let scope_spans = &resource_spans.scope_spans[0];
    assert_eq!(scope_spans.scope.as_ref().unwrap().name, "detective");

    let [server, client] = scope_spans.spans.as_slice() else {
        panic!("{} spans", scope_spans.spans.len());
    };
    assert_eq!(server.name, "GET /toys");
    assert_eq!(
        server.trace_id,
        0x0123_4567_89ab_cdef_fedc_ba98_7654_3210_u128.to_be_bytes()
    );
    assert_eq!(server.span_id, 0xfedc_ba98_7654_3210_u64.to_be_bytes());
    assert_eq!(
        server.parent_span_id,
        0x8000_0000_0000_0001_u64.to_be_bytes()
    );
    assert_eq!(server.trace_state, "vendor=1");
    // Bits 8 and 9: known to be remote.
    assert_eq!(server.flags, 0x301);
    assert_eq!((server.kind, client.kind), (2, 3));
    assert_eq!(server.start_time_unix_nano, 1_700_000_000_000_000_000);
    assert_eq!(server.end_time_unix_nano, 1_700_000_000_250_000_000);
    check_value(&server.attributes, "http.request.method", text("GET"));
    check_value(
        &server.attributes,
        "http.response.status_code",
        ProtoValue::IntValue(500),
    );
    check_value(&server.attributes, "ratio", ProtoValue::DoubleValue(0.5));
    check_value(&server.attributes, "cached", ProtoValue::BoolValue(true));
    let status = server.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "no such toy"));
    assert_eq!(client.status.as_ref().map_or(0, |status| status.code), 0);
    assert_eq!(server.events[0].name, "exception");
    assert_eq!(server.events[0].time_unix_nano, 1_700_000_000_100_000_000);
    check_value(
        &server.events[0].attributes,
        "exception.message",
        text("no such toy"),
    );
}

#[tokio::test]
async fn spans_arrive_over_http() {
    check_span_arrives(Protocol::OtlpHttp, "/v1/traces").await;
}

#[tokio::test]
async fn spans_arrive_over_grpc() {
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    check_span_arrives(Protocol::OtlpGrpc, path).await;
}

#[tokio::test]
async fn an_endpoint_with_a_path_is_taken_as_it_is() {
    for (suffix, expected) in [
        ("/", "/v1/traces"),
        ("/v1/traces", "/v1/traces"),
        ("/own", "/own"),
    ] {
        let collector = Collector::start(Vec::new()).await;
        let mut config = collector.config(Protocol::OtlpHttp);
        config.endpoint.push_str(suffix);
        let mut exporter = OtlpExporter::build(&config, resource()).unwrap();
        exporter.export_spans(&[span("a")]).await.unwrap();
        assert_eq!(collector.received()[0].path, expected);
    }
}

#[tokio::test]
async fn a_passing_failure_is_tried_again() {
    for protocol in [Protocol::OtlpHttp, Protocol::OtlpGrpc] {
        let failures = vec![StatusCode::SERVICE_UNAVAILABLE, StatusCode::BAD_GATEWAY];
        let collector = Collector::start(failures).await;
        let mut exporter = OtlpExporter::build(&collector.config(protocol), resource()).unwrap();
        exporter.export_spans(&[span("a")]).await.unwrap();
        assert_eq!(collector.received().len(), 3, "{protocol:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    let collector = Collector::start(vec![StatusCode::BAD_REQUEST]).await;
    let mut exporter =
        OtlpExporter::build(&collector.config(Protocol::OtlpHttp), resource()).unwrap();
    let error = exporter
        .export_spans(&[span("a"), span("b")])
        .await
        .unwrap_err();
    let ExportError::Failed { lost, reason, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(lost, 2);
    assert!(reason.contains("400"), "{reason}");
    assert_eq!(collector.received().len(), 1);
}

#[tokio::test]
async fn an_absent_server_is_an_error_that_says_so() {
    let (_socket, port) = refusing_port();
    for protocol in [Protocol::OtlpHttp, Protocol::OtlpGrpc] {
        for scheme in ["http", "https"] {
            let config = Jaeger {
                protocol,
                endpoint: format!("{scheme}://127.0.0.1:{port}"),
                timeout: Duration::from_millis(200),
                ..Jaeger::default()
            };
            let mut exporter = OtlpExporter::build(&config, resource()).unwrap();
            let error = exporter
                .export_spans(&[span("a")])
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains(&port.to_string()), "{error}");
            assert!(error.to_lowercase().contains("refused"), "{error}");
        }
    }
}

#[tokio::test]
async fn bad_settings_are_told_at_start() {
    let build = |endpoint: &str, header: (&str, &str)| {
        let config = Jaeger {
            endpoint: endpoint.to_owned(),
            headers: [(header.0.to_owned(), header.1.into())].into(),
            ..Jaeger::default()
        };
        OtlpExporter::build(&config, resource()).map(drop)
    };
    let good = ("x-tenant", "toys");
    build("", good).unwrap();
    for endpoint in [
        "localhost:4318",
        "ftp://localhost",
        "http://",
        "://",
        "/v1/traces",
        "http://a b",
    ] {
        let error = build(endpoint, good).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("`jaeger.endpoint` is `{endpoint}`, expected")),
            "{error}"
        );
    }
    for header in [("x tenant", "toys"), ("x-tenant", "to\nys")] {
        let error = build("", header).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("`jaeger.headers` has `{}`", header.0)),
            "{error}"
        );
        assert!(!error.contains("ys"), "{error}");
    }
}
