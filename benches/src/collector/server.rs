//! The receiving side: OTLP over HTTP, answered as a collector answers that has taken everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::Counts;
use super::protobuf::count_spans;

const PROTOBUF: &str = "application/x-protobuf";

#[derive(Debug, Default)]
struct Arrived {
    exports: AtomicU64,
    bytes: AtomicU64,
    spans: AtomicU64,
}

/// Prints the port, and receives until standard input is closed: then the process that wanted it has ended.
pub(crate) async fn run() {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    println!("{}", listener.local_addr().expect("it is bound").port());
    let app = Router::new()
        .route("/v1/traces", post(receive))
        .route("/counts", get(show))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(Arrived::default()));
    let ended = async {
        let mut ignored = [0; 64];
        let mut input = tokio::io::stdin();
        while input.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
    };
    tokio::select! {
        served = axum::serve(listener, app) => served.expect("the listener lives"),
        () = ended => {}
    }
}

async fn receive(State(arrived): State<Arc<Arrived>>, headers: HeaderMap, body: Bytes) -> Response {
    let is_plain = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|it| it == PROTOBUF)
        && !headers.contains_key(header::CONTENT_ENCODING);
    if !is_plain {
        // Whoever measures something else than plain protobuf is told so by the spans that are missing.
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let Some(spans) = count_spans(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    arrived.exports.fetch_add(1, Relaxed);
    arrived.bytes.fetch_add(body.len() as u64, Relaxed);
    arrived.spans.fetch_add(spans, Relaxed);
    // An `ExportTraceServiceResponse` without a partial success has no bytes.
    ([(header::CONTENT_TYPE, PROTOBUF)], Bytes::new()).into_response()
}

async fn show(State(arrived): State<Arc<Arrived>>) -> String {
    let counts = Counts {
        exports: arrived.exports.load(Relaxed),
        bytes: arrived.bytes.load(Relaxed),
        spans: arrived.spans.load(Relaxed),
    };
    format!("{} {} {}", counts.exports, counts.bytes, counts.spans)
}
