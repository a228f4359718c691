//! OTLP over gRPC: the protocol by tonic, the connection by the client that HTTP uses, too.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use http_body_util::combinators::MapFrame;
use hyper::body::{Frame, Incoming};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tower_service::Service;

use super::answer::{ANSWER_BYTES, Answer, of_grpc_code, printable};
use super::connect::{Client, Connector, client, innermost};
use super::delivery::Transport;
use super::http::unexpected;
use super::response;

/// What is called.
const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Where a status has its details, in base64.
const DETAILS: &str = "grpc-status-details-bin";

/// Takes no base64 that tonic does not take.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How tonic's own status begins when the answer is longer than the limit.
const TOO_LONG: &str = "Error, decoded message length too large";

/// Sends messages by gRPC.
#[derive(Debug)]
pub(super) struct GrpcTransport {
    grpc: Grpc<Wire>,
    path: PathAndQuery,
    metadata: MetadataMap,
}

impl GrpcTransport {
    pub(super) fn new(
        connector: Connector,
        endpoint: &Uri,
        headers: HeaderMap,
        gzip: bool,
    ) -> Self {
        let wire = Wire {
            client: client(connector, true),
            user_agent: headers.get(header::USER_AGENT).cloned(),
        };
        let mut grpc =
            Grpc::with_origin(wire, endpoint.clone()).max_decoding_message_size(ANSWER_BYTES);
        if gzip {
            grpc = grpc.send_compressed(CompressionEncoding::Gzip);
        }
        Self {
            grpc,
            path: PathAndQuery::from_static(METHOD),
            metadata: MetadataMap::from_headers(headers),
        }
    }
}

impl Transport for GrpcTransport {
    async fn send(&mut self, message: Bytes) -> Answer {
        let mut request = tonic::Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        match self.grpc.unary(request, self.path.clone(), Raw).await {
            Ok(response) => match response::PartialSuccess::read(response.get_ref()) {
                Some(mut partial) => {
                    partial.message = printable(partial.message.as_bytes());
                    Answer::Taken(partial)
                }
                None => Answer::Refused("the answer is not one of OTLP".to_owned()),
            },
            Err(status) => answer(status),
        }
    }
}

/// What a call that failed says.
fn answer(status: Status) -> Answer {
    use std::error::Error as _;

    let source = status.source();
    if let Some(WireError(answer)) = source.and_then(|source| source.downcast_ref()) {
        return answer.clone();
    }
    if let Some(source) = source {
        // Not a status of the collector's, but a connection that broke off.
        return Answer::Later {
            reason: innermost(source),
            wait: None,
        };
    }
    if status.code() == Code::OutOfRange && status.message().starts_with(TOO_LONG) {
        return Answer::too_long();
    }
    let details = response::Status::read(status.details()).unwrap_or_default();
    let (name, message) = (status.code(), printable(status.message().as_bytes()));
    let reason = match message.as_str() {
        "" => format!("gRPC status {name:?}"),
        message => format!("gRPC status {name:?}: {message}"),
    };
    of_grpc_code(status.code(), reason, details.retry_delay)
}

/// Carries calls, and takes out what no answer of gRPC is.
#[derive(Debug, Clone)]
struct Wire {
    client: Client<Body>,
    user_agent: Option<http::HeaderValue>,
}

impl Service<Request<Body>> for Wire {
    type Response = Response<Checked>;
    type Error = WireError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, WireError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(name) = &self.user_agent {
            request
                .headers_mut()
                .insert(header::USER_AGENT, name.clone());
        }
        let calling = self.client.request(request);
        Box::pin(async move {
            match calling.await {
                Ok(mut response) if is_grpc(response.headers()) => {
                    drop_bad_details(response.headers_mut());
                    Ok(response.map(|body| body.map_frame(check_trailers as CheckTrailers)))
                }
                Ok(response) => Err(WireError(unexpected(response).await)),
                Err(error) if error.is_connect() => {
                    Err(WireError(Answer::Unreachable(innermost(&error))))
                }
                Err(error) => Err(WireError(Answer::Later {
                    reason: innermost(&error),
                    wait: None,
                })),
            }
        })
    }
}

/// A body whose trailers tonic can read.
type Checked = MapFrame<Incoming, CheckTrailers>;
type CheckTrailers = fn(Frame<Bytes>) -> Frame<Bytes>;

fn check_trailers(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        drop_bad_details(trailers);
    }
    frame
}

/// Removes details that are not base64: tonic panics on them. The status is of use without them.
fn drop_bad_details(headers: &mut HeaderMap) {
    // tonic reads the first of several values.
    let details = headers.get(DETAILS);
    if details.is_some_and(|details| BASE64.decode(details).is_err()) {
        headers.remove(DETAILS);
    }
}

/// Some servers send nothing but a status, and no content type with it.
fn is_grpc(headers: &HeaderMap) -> bool {
    headers.contains_key("grpc-status")
        || headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Why there is no answer of gRPC, in the place where tonic wants an error.
#[derive(Debug)]
struct WireError(Answer);

impl fmt::Display for WireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

impl std::error::Error for WireError {}

/// Messages as the bytes that they are.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.reserve(message.len());
        to.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
