#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as ProtoValue};

use super::OtlpExporter;
use super::fake_collector::{Collector, Reply};
use crate::config::{Jaeger, Protocol};
use crate::export::tests::{refusing_port, resource, span};
use crate::export::{Ending, ExportError, ExportSpan, Outcome, SpanKind};

const BOTH: [Protocol; 2] = [Protocol::OtlpHttp, Protocol::OtlpGrpc];

async fn export(config: &Jaeger, spans: Vec<ExportSpan>) -> Outcome {
    let count = spans.len();
    let mut exporter = OtlpExporter::build(config, resource(), Arc::default()).unwrap();
    let outcome = exporter.export_spans(&spans, &mut Ending::never()).await;
    assert_eq!(outcome.exported + outcome.lost(), count);
    outcome
}

#[track_caller]
fn check_exported(outcome: &Outcome, spans: usize) {
    assert_eq!(outcome.exported, spans, "{outcome:?}");
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
    let collector = Collector::start([]).await;
    let mut config = collector.config(protocol);
    config.headers.insert("x-tenant".to_owned(), "toys".into());
    let child = ExportSpan {
        kind: SpanKind::Client,
        error: None,
        events: Vec::new(),
        ..span("child")
    };
    check_exported(&export(&config, vec![span("GET /toys"), child]).await, 2);

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
        ("", "/v1/traces"),
        ("/", "/v1/traces"),
        ("/?", "/"),
        ("/v1/traces", "/v1/traces"),
        ("/own", "/own"),
    ] {
        let collector = Collector::start([]).await;
        let mut config = collector.config(Protocol::OtlpHttp);
        config.endpoint.push_str(suffix);
        check_exported(&export(&config, vec![span("a")]).await, 1);
        assert_eq!(collector.received()[0].path, expected);
    }
}

#[tokio::test]
async fn a_passing_failure_is_tried_again() {
    for protocol in BOTH {
        let failures = [503, 502].map(|status| Reply::Http(status, &[], b""));
        let collector = Collector::start(failures).await;
        check_exported(
            &export(&collector.config(protocol), vec![span("a")]).await,
            1,
        );
        assert_eq!(collector.received().len(), 3, "{protocol:?}");
    }
}

#[tokio::test]
async fn the_query_of_an_endpoint_is_not_shown() {
    let (_socket, port) = refusing_port();
    let config = Jaeger {
        protocol: Protocol::OtlpHttp,
        endpoint: format!("http://127.0.0.1:{port}/v1/traces?api-key=secret"),
        timeout: Duration::from_millis(200),
        ..Jaeger::default()
    };
    let error = export(&config, vec![span("GET /toys")])
        .await
        .error
        .unwrap();
    let text = error.to_string();
    assert!(
        text.contains("/v1/traces`") && !text.contains("secret"),
        "{text}"
    );
}

#[tokio::test]
async fn an_absent_server_is_an_error_that_says_so() {
    let (_socket, port) = refusing_port();
    for protocol in BOTH {
        let tls = cfg!(any(feature = "tls-ring", feature = "tls-aws-lc-rs"));
        for scheme in if tls {
            &["http", "https"][..]
        } else {
            &["http"]
        } {
            let config = Jaeger {
                protocol,
                endpoint: format!("{scheme}://127.0.0.1:{port}"),
                timeout: Duration::from_millis(200),
                ..Jaeger::default()
            };
            let error = export(&config, vec![span("a")]).await.error.unwrap();
            assert!(matches!(error, ExportError::Failed { lost: 1, .. }));
            let error = error.to_string();
            assert!(error.contains(&port.to_string()), "{error}");
            assert!(error.to_lowercase().contains("refused"), "{error}");
        }
    }
}

#[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
#[tokio::test]
async fn tls_without_cryptography_is_told_at_start() {
    for protocol in BOTH {
        let config = Jaeger {
            protocol,
            endpoint: "https://collector:4318".to_owned(),
            ..Jaeger::default()
        };
        let error = OtlpExporter::build(&config, resource(), Arc::default()).unwrap_err();
        let error = error.to_string();
        for part in [
            "`https://collector:4318/`",
            "`tls-ring`",
            "`tls-aws-lc-rs`",
            "install_default",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
    // A variable stops no program.
    let variable = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318");
    let variable = [(variable.0.to_owned(), variable.1.to_owned())];
    let loader = crate::config::Loader::with(variable, std::env::temp_dir()).without_file();
    let loaded = loader.load().unwrap();
    assert_eq!(loaded.config.jaeger.endpoint, "");
    assert!(loaded.warnings[0].to_string().contains("`tls-ring`"));
}

#[tokio::test]
async fn jaegers_own_page_is_told_from_its_collector() {
    for (protocol, port) in [(Protocol::OtlpHttp, 4318), (Protocol::OtlpGrpc, 4317)] {
        let config = Jaeger {
            protocol,
            endpoint: "http://localhost:16686".to_owned(),
            ..Jaeger::default()
        };
        let exporter = OtlpExporter::build(&config, resource(), Arc::default()).unwrap();
        assert_eq!(
            exporter.explained("a page".to_owned()),
            format!("a page; 16686 is the port of Jaeger's own web page, use {port}")
        );
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
        OtlpExporter::build(&config, resource(), Arc::default()).map(drop)
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
