//! What the tests of all exporters share.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use tokio::net::TcpSocket;

use super::{ExportEvent, ExportSpan, Resource, SpanKind};
use crate::value::Value;

/// A span of every kind of value.
pub(super) fn span(name: &str) -> ExportSpan {
    ExportSpan {
        trace_id: 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210,
        span_id: 0xfedc_ba98_7654_3210,
        parent_span_id: 0x8000_0000_0000_0001,
        parent_is_remote: true,
        flags: 1,
        trace_state: "vendor=1".to_owned(),
        name: name.to_owned().into(),
        kind: SpanKind::Server,
        start_unix_nanos: 1_700_000_000_000_000_000,
        end_unix_nanos: 1_700_000_000_250_000_000,
        attributes: vec![
            ("http.request.method".into(), Value::Text("GET".into())),
            ("http.response.status_code".into(), Value::I64(500)),
            ("ratio".into(), Value::F64(0.5)),
            ("cached".into(), Value::Bool(true)),
            (
                "tags".into(),
                Value::TextList(vec!["a\"b".to_owned(), "c".to_owned()]),
            ),
        ],
        events: vec![ExportEvent {
            name: "exception".into(),
            unix_nanos: 1_700_000_000_100_000_000,
            attributes: vec![(
                "exception.message".into(),
                Value::Text("no such toy".into()),
            )],
        }],
        error: Some("no such toy".to_owned()),
    }
}

pub(super) fn resource() -> Resource {
    vec![
        ("service.name".into(), Value::Text("store".into())),
        ("service.version".into(), Value::Text("1.2.3".into())),
    ]
}

/// A port on which nobody listens, as long as the socket is kept: no other test can be given it.
pub(super) fn refusing_port() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// The libraries underneath read variables of their own. The tests that say where spans arrive,
/// and with what headers, must pass whatever those variables say.
#[test]
fn the_environment_changes_nothing() {
    const MARK: &str = "DETECTIVE_TEST_IN_HOSTILE_ENVIRONMENT";
    if std::env::var_os(MARK).is_some() {
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("export::")
        .env(MARK, "1")
        .envs([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            (
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "http://127.0.0.1:1/other",
            ),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=other,x-more=1"),
            (
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                "x-tenant=other,x-more=1",
            ),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_INSECURE", "false"),
            ("HTTP_PROXY", "http://127.0.0.1:1"),
            ("ALL_PROXY", "http://127.0.0.1:1"),
            ("OTEL_EXPORTER_JAEGER_AGENT_HOST", "127.0.0.1"),
            ("OTEL_EXPORTER_JAEGER_AGENT_PORT", "1"),
            ("OTEL_SERVICE_NAME", "other"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,more=1"),
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
}
