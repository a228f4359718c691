//! A collector that answers as it is told, by either protocol, on a free port.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use flate2::read::GzDecoder;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::net::{TcpListener, TcpStream};

use crate::config::{Jaeger, Protocol};

/// What is answered to one request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Good,
    /// Takes all but some.
    Partial(i64, &'static str),
    /// As HTTP says it, with these headers and this body; over gRPC, too.
    Http(u16, &'static [(&'static str, &'static str)], &'static [u8]),
    /// A status of gRPC, with the seconds of `RetryInfo`, in trailers or alone.
    Grpc(u8, &'static str, Option<u8>, bool),
    /// The same status with `grpc-status-details-bin` as it stands here.
    GrpcDetails(u8, &'static str, bool),
    /// An answer of so many bytes, well-formed in either protocol.
    Long(usize),
    /// The body begins like this, and neither goes on nor ends.
    Stalled(u16, &'static str),
    /// The body goes on for ever.
    Endless(u16),
    /// Takes at most so many bytes at a time, and says so as its protocol does.
    Limit(usize),
    /// The connection is closed.
    Reset,
    /// Nothing is ever said.
    Silence,
}

/// What came in.
pub(super) struct Received {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) bytes: usize,
    pub(super) at: Instant,
    pub(super) export: ExportTraceServiceRequest,
}

impl Received {
    pub(super) fn spans(&self) -> usize {
        let spans = self.export.resource_spans[0].scope_spans[0].spans.len();
        assert_eq!(self.export.resource_spans.len(), 1);
        spans
    }
}

pub(super) struct Collector {
    pub(super) port: u16,
    scheme: &'static str,
    received: Arc<Mutex<Vec<Received>>>,
    /// What each connection by TLS agreed on.
    #[cfg(feature = "tls-ring")]
    pub(super) alpn: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    /// Answers the first requests with `replies`, and the later ones well.
    pub(super) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(replies, None).await
    }

    /// The same behind TLS.
    #[cfg(feature = "tls-ring")]
    pub(super) async fn start_tls(tls: rustls::ServerConfig) -> Self {
        Self::start_with([], Some(tokio_rustls::TlsAcceptor::from(Arc::new(tls)))).await
    }

    async fn start_with(
        replies: impl IntoIterator<Item = Reply>,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared {
            replies: Mutex::new(replies.into_iter().collect()),
            received: Arc::clone(&received),
            alpn: Arc::default(),
        });
        #[cfg(feature = "tls-ring")]
        let alpn = Arc::clone(&shared.alpn);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, tls.clone(), Arc::clone(&shared)));
            }
        });
        Self {
            port,
            scheme,
            received,
            #[cfg(feature = "tls-ring")]
            alpn,
        }
    }

    pub(super) fn config(&self, protocol: Protocol) -> Jaeger {
        Jaeger {
            protocol,
            endpoint: format!("{}://127.0.0.1:{}", self.scheme, self.port),
            ..Jaeger::default()
        }
    }

    pub(super) fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap()
    }
}

struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    received: Arc<Mutex<Vec<Received>>>,
    alpn: Arc<Mutex<Vec<Vec<u8>>>>,
}

async fn serve(stream: TcpStream, tls: Option<tokio_rustls::TlsAcceptor>, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(request, Arc::clone(&shared)));
    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    // What becomes of a connection is the client's to tell.
    let _ = match tls {
        None => server.serve_connection(TokioIo::new(stream), service).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => {
                let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
                shared.alpn.lock().unwrap().push(alpn.unwrap_or_default());
                server.serve_connection(TokioIo::new(stream), service).await
            }
            Err(_) => return,
        },
    };
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Body>, &'static str> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let bytes = body.len();
    let is_grpc = head.headers["content-type"] == "application/grpc";
    let message = message(is_grpc, &head.headers, body);
    let plain = message.len();
    shared.received.lock().unwrap().push(Received {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        bytes,
        at: Instant::now(),
        export: ExportTraceServiceRequest::decode(message).unwrap(),
    });
    let reply = {
        let mut replies = shared.replies.lock().unwrap();
        match replies.front() {
            // Holds for all that follows.
            Some(limit @ Reply::Limit(_)) => limit.clone(),
            _ => replies.pop_front().unwrap_or(Reply::Good),
        }
    };
    let good = ExportTraceServiceResponse::default();
    Ok(match reply {
        Reply::Good => response(is_grpc, &good),
        Reply::Partial(rejected_spans, message) => {
            let partial = ExportTracePartialSuccess {
                rejected_spans,
                error_message: message.to_owned(),
            };
            let partial = ExportTraceServiceResponse {
                partial_success: Some(partial),
            };
            response(is_grpc, &partial)
        }
        Reply::Http(status, headers, body) => {
            let mut response = Response::new(Full::from(body).boxed_unsync());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in headers {
                response.headers_mut().insert(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                );
            }
            response
        }
        Reply::Grpc(code, message, retry, alone) => {
            let details = retry.map(|seconds| retry_info(code, seconds));
            grpc(code, message, details, alone)
        }
        Reply::GrpcDetails(code, details, alone) => grpc(
            code,
            "bad details",
            Some(HeaderValue::from_static(details)),
            alone,
        ),
        Reply::Long(bytes) => {
            let partial = ExportTracePartialSuccess {
                rejected_spans: 0,
                error_message: "a".repeat(bytes),
            };
            let long = ExportTraceServiceResponse {
                partial_success: Some(partial),
            };
            response(is_grpc, &long)
        }
        Reply::Stalled(status, text) => {
            let first = stream::iter([Ok(Frame::data(Bytes::from(text)))]);
            streamed(status, first.chain(stream::pending()))
        }
        Reply::Endless(status) => streamed(
            status,
            stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[b'a'; 8192])))),
        ),
        Reply::Limit(limit) if plain <= limit => response(is_grpc, &good),
        Reply::Limit(_) if is_grpc => grpc(8, "grpc: received message larger than max", None, true),
        Reply::Limit(_) => {
            let mut response = Response::new(Full::default().boxed_unsync());
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            response
        }
        Reply::Reset => return Err("closed"),
        Reply::Silence => std::future::pending().await,
    })
}

fn message(is_grpc: bool, headers: &HeaderMap, body: Bytes) -> Bytes {
    let (compressed, body) = match is_grpc {
        // A frame's prefix: whether it is compressed, and its length.
        true => (body[0] == 1, body.slice(5..)),
        false => (headers.contains_key(header::CONTENT_ENCODING), body),
    };
    if !compressed {
        return body;
    }
    let mut message = Vec::new();
    GzDecoder::new(body.as_ref())
        .read_to_end(&mut message)
        .unwrap();
    message.into()
}

fn response(is_grpc: bool, message: &ExportTraceServiceResponse) -> Response<Body> {
    let message = message.encode_to_vec();
    let (kind, body) = match is_grpc {
        true => {
            let mut frame = vec![0];
            frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
            frame.extend(message);
            ("application/grpc", frame)
        }
        false => ("application/x-protobuf", message),
    };
    let body = Full::from(body).with_trailers(async move {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        is_grpc.then_some(Ok(trailers))
    });
    let mut response = Response::new(body.boxed_unsync());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Details of a status that ask for another try after so many seconds.
fn retry_info(code: u8, seconds: u8) -> HeaderValue {
    const KIND: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";
    let details = [
        &[0x08, code, 0x1a, 48, 0x0a, 40],
        KIND,
        &[0x12, 4, 0x0a, 2, 0x08, seconds],
    ]
    .concat();
    HeaderValue::from_str(&BASE64_STANDARD_NO_PAD.encode(details)).unwrap()
}

fn grpc(
    code: u8,
    message: &'static str,
    details: Option<HeaderValue>,
    alone: bool,
) -> Response<Body> {
    let mut status = HeaderMap::new();
    status.insert("grpc-status", HeaderValue::from(u16::from(code)));
    status.insert("grpc-message", HeaderValue::from_static(message));
    if let Some(details) = details {
        status.insert("grpc-status-details-bin", details);
    }
    let mut response = match alone {
        true => {
            let mut response = Response::new(Full::default().boxed_unsync());
            *response.headers_mut() = status;
            response
        }
        false => {
            let body = Full::<Bytes>::default().with_trailers(async { Some(Ok(status)) });
            Response::new(body.boxed_unsync())
        }
    };
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn streamed(
    status: u16,
    frames: impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static,
) -> Response<Body> {
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}
