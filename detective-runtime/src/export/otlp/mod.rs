//! OTLP, over HTTP or gRPC. Messages come encoded, and the settings come from the configuration alone.

mod batch;
pub(crate) mod span;
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

#[cfg(all(test, feature = "otlp-grpc", feature = "otlp-http"))]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio::time::{Instant, sleep, timeout_at};

use super::{ExportError, ExportSpan, Resource};
use crate::config::{Jaeger, Protocol};

/// Tries for one message.
const TRIES: u32 = 5;

/// The wait before the second try; each later one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// Sends spans by OTLP.
#[derive(Debug)]
pub(crate) struct OtlpExporter {
    client: Client,
    endpoint: Uri,
    prefix: Arc<Prefix>,
    timeout: Duration,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "an instance has one")]
enum Client {
    Http(http::Client),
    Grpc(grpc::Client),
}

/// Why a message was not taken.
#[derive(Debug)]
struct Failure {
    reason: String,
    /// Whether another try may do better.
    is_passing: bool,
}

impl Failure {
    fn passing(reason: String) -> Self {
        Self {
            reason,
            is_passing: true,
        }
    }
}

impl OtlpExporter {
    pub(super) fn build(config: &Jaeger, resource: Resource) -> Result<Self, ExportError> {
        let headers = headers(config)?;
        let is_grpc = config.protocol == Protocol::OtlpGrpc;
        let default = if is_grpc {
            grpc::DEFAULT_ENDPOINT
        } else {
            http::DEFAULT_ENDPOINT
        };
        let endpoint = endpoint(config, default)?;
        let client = if is_grpc {
            Client::Grpc(grpc::Client::build(config, &endpoint, headers)?)
        } else {
            Client::Http(http::Client::build(config, &endpoint, headers)?)
        };
        Ok(Self {
            client,
            endpoint,
            prefix: Arc::new(Prefix::new(&resource)),
            timeout: config.timeout,
        })
    }

    /// An empty batch, to be filled and exported.
    pub(super) fn batch(&self) -> Batch {
        Batch::new(Arc::clone(&self.prefix))
    }

    pub(super) async fn export_spans(&mut self, spans: &[ExportSpan]) -> Result<(), ExportError> {
        let mut batch = self.batch();
        for span in spans {
            batch.push_with(|to| span::push_value(to, span));
        }
        self.export(&mut batch).await
    }

    /// Exports a batch, trying again what is worth another try.
    pub(super) async fn export(&mut self, batch: &mut Batch) -> Result<(), ExportError> {
        let message = batch.message(0..batch.len());
        let deadline = Instant::now() + self.timeout;
        let mut backoff = FIRST_BACKOFF;
        let mut tries = 0;
        let reason = loop {
            let send = async {
                match &mut self.client {
                    Client::Http(client) => client.send(message.clone()).await,
                    Client::Grpc(client) => client.send(message.clone()).await,
                }
            };
            let failure = match timeout_at(deadline, send).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(failure)) => failure,
                Err(_) => break format!("no answer within {:?}", self.timeout),
            };
            tries += 1;
            if !failure.is_passing || tries == TRIES || Instant::now() + backoff >= deadline {
                break failure.reason;
            }
            sleep(backoff).await;
            backoff *= 2;
        };
        Err(ExportError::Failed {
            lost: batch.len(),
            endpoint: self.endpoint.to_string(),
            reason,
        })
    }
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

/// The last cause says the most: `connection refused`. What wraps it repeats the URL.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
