//! OTLP over gRPC.

use http::{HeaderMap, Uri};
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithTonicConfig};
use tonic::metadata::MetadataMap;

use super::{NetworkError, retry_policy};
use crate::config::Jaeger;
use crate::export::ExportError;

pub(super) const DEFAULT_ENDPOINT: &str = "http://localhost:4317";

pub(super) fn build(
    config: &Jaeger,
    endpoint: &Uri,
    headers: HeaderMap,
    _network_error: &NetworkError,
) -> Result<SpanExporter, ExportError> {
    let metadata = MetadataMap::from_headers(headers);
    let set_metadata = move |mut request: tonic::Request<()>| {
        *request.metadata_mut() = metadata.clone();
        Ok(request)
    };
    let mut builder = SpanExporter::builder()
        .with_tonic()
        .with_interceptor(set_metadata)
        .with_protocol(Protocol::Grpc)
        .with_endpoint(endpoint.to_string())
        .with_timeout(config.timeout)
        .with_retry_policy(retry_policy());
    if endpoint.scheme_str() == Some("https") {
        builder = builder.with_tls_config(ClientTlsConfig::new().with_enabled_roots());
    }
    builder
        .build()
        .map_err(|error| ExportError::Client(error.to_string()))
}
