//! OTLP over HTTP: protobuf in POST requests.

use std::error::Error;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use http::{HeaderMap, Request, Response, Uri, header};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};

use super::{NetworkError, retry_policy};
use crate::config::Jaeger;
use crate::export::ExportError;

pub(super) const DEFAULT_ENDPOINT: &str = "http://localhost:4318";

pub(super) fn build(
    config: &Jaeger,
    endpoint: &Uri,
    headers: HeaderMap,
    network_error: &NetworkError,
) -> Result<SpanExporter, ExportError> {
    // A client of its own, so that exports are never traced themselves.
    let client = reqwest::Client::builder()
        .timeout(config.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| ExportError::Client(innermost(&error)))?;
    SpanExporter::builder()
        .with_http()
        .with_http_client(Client {
            client,
            headers,
            network_error: Arc::clone(network_error),
        })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(with_path(endpoint))
        .with_timeout(config.timeout)
        .with_retry_policy(retry_policy())
        .build()
        .map_err(|error| ExportError::Client(error.to_string()))
}

/// `http://localhost:4318` means its `/v1/traces`; an endpoint with a path is taken as it is.
fn with_path(endpoint: &Uri) -> String {
    match endpoint.path() {
        "" | "/" => format!("{}/v1/traces", endpoint.to_string().trim_end_matches('/')),
        _ => endpoint.to_string(),
    }
}

/// Sends exactly the configured headers, and remembers what the network said.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    headers: HeaderMap,
    network_error: NetworkError,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut headers = self.headers.clone();
        for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
            if let Some(value) = request.headers_mut().remove(&name) {
                headers.insert(name, value);
            }
        }
        headers
            .entry(header::USER_AGENT)
            .or_insert(header::HeaderValue::from_static(concat!(
                "detective/",
                env!("CARGO_PKG_VERSION")
            )));
        *request.headers_mut() = headers;

        let answer = self.client.send_bytes(request).await;
        let mut network_error = self
            .network_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *network_error = answer.as_ref().err().map(|error| innermost(error.as_ref()));
        answer
    }
}

/// The last cause says the most: `connection refused`. What wraps it repeats the URL.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
