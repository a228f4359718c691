//! OTLP, over HTTP or gRPC, through opentelemetry-otlp.
//!
//! That crate's builders read the `OTEL_EXPORTER_OTLP_*` variables for whatever they are not told,
//! and its header variables even over what they are told. The configuration has already given
//! those variables their place in its order of precedence, so everything is told here, and the
//! headers are set on each request, behind the builders' back.

mod batch;
mod convert;
pub(crate) mod wire;

#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(not(feature = "otlp-grpc"))]
#[path = "grpc_disabled.rs"]
mod grpc;
#[cfg(feature = "otlp-http")]
mod http;
#[cfg(not(feature = "otlp-http"))]
#[path = "http_disabled.rs"]
mod http;

pub(crate) use batch::{Batch, Prefix};
#[cfg(test)]
pub(crate) use convert::span as sdk_span;

#[cfg(all(test, feature = "otlp-grpc", feature = "otlp-http"))]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry_otlp::RetryPolicy;
use opentelemetry_sdk::trace::SpanExporter as _;

use super::{ExportError, ExportSpan, Resource};
use crate::config::{Jaeger, Protocol};

/// What the network said last, which the library's own error leaves out.
type NetworkError = Arc<Mutex<Option<String>>>;

/// Sends spans by OTLP.
#[derive(Debug)]
pub(crate) struct OtlpExporter {
    exporter: opentelemetry_otlp::SpanExporter,
    endpoint: Uri,
    network_error: NetworkError,
}

impl OtlpExporter {
    pub(super) fn build(config: &Jaeger, resource: Resource) -> Result<Self, ExportError> {
        let network_error = NetworkError::default();
        let headers = headers(config)?;
        let is_grpc = config.protocol == Protocol::OtlpGrpc;
        let default = if is_grpc {
            grpc::DEFAULT_ENDPOINT
        } else {
            http::DEFAULT_ENDPOINT
        };
        let endpoint = endpoint(config, default)?;
        let mut exporter = if is_grpc {
            grpc::build(config, &endpoint, headers, &network_error)?
        } else {
            http::build(config, &endpoint, headers, &network_error)?
        };
        exporter.set_resource(&convert::resource(resource));
        Ok(Self {
            exporter,
            endpoint,
            network_error,
        })
    }

    pub(super) async fn export(&self, batch: Vec<ExportSpan>) -> Result<(), ExportError> {
        let lost = batch.len();
        let batch = batch.into_iter().map(convert::span).collect();
        self.exporter.export(batch).await.map_err(|error| {
            let mut network_error = self
                .network_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            ExportError::Failed {
                lost,
                endpoint: self.endpoint.to_string(),
                reason: network_error.take().unwrap_or_else(|| error.to_string()),
            }
        })
    }
}

/// Five tries within about two seconds, at most `jaeger.timeout` in all. Which failures are worth
/// another try, and that the server may ask to wait longer, is the OTLP specification's business
/// and the library's.
fn retry_policy() -> RetryPolicy {
    RetryPolicy::recommended()
        .with_max_retries(4)
        .with_max_delay(Duration::from_secs(2))
}

fn endpoint(config: &Jaeger, default: &str) -> Result<Uri, ExportError> {
    let text = if config.endpoint.is_empty() {
        default
    } else {
        &config.endpoint
    };
    let invalid = || ExportError::Endpoint {
        endpoint: text.to_owned(),
        expected: "a URL such as `http://localhost:4318` (otlp-http) or `http://localhost:4317` (otlp-grpc)",
    };
    let uri: Uri = text.parse().map_err(|_| invalid())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(invalid()),
    }
}

fn headers(config: &Jaeger) -> Result<HeaderMap, ExportError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        let invalid = || ExportError::Header { name: name.clone() };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}
