//! OTLP over HTTP: protobuf in POST requests.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};

use super::Failure;
use crate::config::Jaeger;
use crate::export::ExportError;

pub(super) const DEFAULT_ENDPOINT: &str = "http://localhost:4318";

/// Sends exactly the configured headers.
#[derive(Debug)]
pub(super) struct Client {
    client: reqwest::Client,
    url: String,
    headers: HeaderMap,
}

impl Client {
    pub(super) fn build(
        config: &Jaeger,
        endpoint: &Uri,
        mut headers: HeaderMap,
    ) -> Result<Self, ExportError> {
        // A client of its own, so that exports are never traced themselves.
        let client = reqwest::Client::builder()
            .timeout(config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ExportError::Client(super::innermost(&error)))?;
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        headers
            .entry(header::USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!(
                "detective/",
                env!("CARGO_PKG_VERSION")
            )));
        Ok(Self {
            client,
            url: with_path(endpoint),
            headers,
        })
    }

    pub(super) async fn send(&mut self, message: Bytes) -> Result<(), Failure> {
        let request = self.client.post(&self.url).headers(self.headers.clone());
        let response = request.body(message).send().await;
        let status = response
            .map_err(|error| Failure::passing(super::innermost(&error)))?
            .status();
        if status.is_success() {
            return Ok(());
        }
        Err(Failure {
            reason: format!("the collector answered {status}"),
            is_passing: matches!(status.as_u16(), 429 | 502 | 503 | 504),
        })
    }
}

/// `http://localhost:4318` means its `/v1/traces`; an endpoint with a path is taken as it is.
fn with_path(endpoint: &Uri) -> String {
    match endpoint.path() {
        "" | "/" => format!("{}/v1/traces", endpoint.to_string().trim_end_matches('/')),
        _ => endpoint.to_string(),
    }
}
