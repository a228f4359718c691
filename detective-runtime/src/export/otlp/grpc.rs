//! OTLP over gRPC: messages that are encoded already.

use std::error::Error as _;

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::Failure;
use crate::config::Jaeger;
use crate::export::ExportError;

pub(super) const DEFAULT_ENDPOINT: &str = "http://localhost:4317";

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Sends the configured headers as metadata.
#[derive(Debug)]
pub(super) struct Client {
    grpc: Grpc<Channel>,
    metadata: MetadataMap,
}

impl Client {
    /// It connects when it has something to send.
    pub(super) fn build(
        config: &Jaeger,
        endpoint: &Uri,
        headers: HeaderMap,
    ) -> Result<Self, ExportError> {
        let client = |error: tonic::transport::Error| ExportError::Client(error.to_string());
        let is_https = endpoint.scheme_str() == Some("https");
        let mut endpoint = Endpoint::from(endpoint.clone()).timeout(config.timeout);
        if is_https {
            let tls = ClientTlsConfig::new().with_enabled_roots();
            endpoint = endpoint.tls_config(tls).map_err(client)?;
        }
        Ok(Self {
            grpc: Grpc::new(endpoint.connect_lazy()),
            metadata: MetadataMap::from_headers(headers),
        })
    }

    pub(super) async fn send(&mut self, message: Bytes) -> Result<(), Failure> {
        let unready = |error: tonic::transport::Error| Failure::passing(error.to_string());
        self.grpc.ready().await.map_err(unready)?;
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        let path = PathAndQuery::from_static(EXPORT);
        let answer = self.grpc.unary(request, path, Encoded).await;
        answer.map(drop).map_err(|status| failure(&status))
    }
}

fn failure(status: &Status) -> Failure {
    Failure {
        reason: match status.source() {
            Some(error) => super::innermost(error),
            None => format!("{:?}: {}", status.code(), status.message()),
        },
        is_passing: matches!(
            status.code(),
            Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss
        ),
    }
}

/// Bytes as they are.
#[derive(Debug)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let len = from.remaining();
        Ok(Some(from.copy_to_bytes(len)))
    }
}
