//! OTLP, over HTTP or gRPC.
//!
//! A [`Batch`] of encoded spans is cut into messages (`delivery.rs`), which a client sends
//! (`http.rs`, `grpc.rs`, over `connect.rs`). What comes back is read (`response.rs`)
//! and sorted by what is to be done about it (`answer.rs`). All settings, those of the
//! `OTEL_EXPORTER_OTLP_*` variables among them, come from the configuration.

mod answer;
mod batch;
mod connect;
mod delivery;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod http;
mod response;
pub(crate) mod span;
pub(crate) mod wire;

#[cfg(all(test, feature = "otlp-grpc", feature = "otlp-http"))]
mod answer_tests;
#[cfg(all(test, feature = "otlp-grpc", feature = "otlp-http"))]
mod fake_collector;
#[cfg(all(test, feature = "otlp-grpc", feature = "otlp-http"))]
mod tests;
#[cfg(all(
    test,
    feature = "otlp-grpc",
    feature = "otlp-http",
    feature = "tls-ring"
))]
mod tls_tests;

use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

pub(crate) use batch::{Batch, Prefix};
use connect::Connector;
use delivery::Delivery;

use super::{Ending, ExportError, ExportSpan, Outcome, Resource};
use crate::config::{Compression, Jaeger, Protocol};
use crate::metrics::Stats;
use crate::tls;

/// The port of Jaeger's own web page, which many take for that of its collector.
const PAGE_PORT: u16 = 16686;

/// Sends spans by OTLP.
#[derive(Debug)]
pub(crate) struct OtlpExporter {
    transport: Transport,
    delivery: Delivery,
    endpoint: Uri,
    /// The endpoint as messages show it.
    shown: String,
    prefix: Arc<Prefix>,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "an instance has one")]
enum Transport {
    Http(http::HttpTransport),
    #[cfg(feature = "otlp-grpc")]
    Grpc(grpc::GrpcTransport),
}

impl OtlpExporter {
    pub(super) fn build(
        config: &Jaeger,
        resource: Resource,
        stats: Arc<Stats>,
    ) -> Result<Self, ExportError> {
        let missing = |feature| {
            Err(ExportError::FeatureMissing {
                protocol: feature,
                feature,
            })
        };
        let is_grpc = config.protocol == Protocol::OtlpGrpc;
        if is_grpc && cfg!(not(feature = "otlp-grpc")) {
            return missing("otlp-grpc");
        }
        if !is_grpc && cfg!(not(feature = "otlp-http")) {
            return missing("otlp-http");
        }
        let headers = headers(config)?;
        let endpoint = endpoint(config)?;
        let connector = Connector::new(&endpoint, tls_config(config, &endpoint)?, is_grpc)?;
        let gzip = config.compression == Compression::Gzip;
        let transport = transport(is_grpc, connector, &endpoint, headers, gzip);
        let max_bytes = match config.batch_bytes {
            Some(bytes) => bytes,
            None if is_grpc => 4 << 20,
            None => 20 << 20,
        };
        let shown = shown(&endpoint);
        Ok(Self {
            transport,
            delivery: Delivery::new(config.timeout, max_bytes, shown.clone(), stats),
            endpoint,
            shown,
            prefix: Arc::new(Prefix::new(&resource)),
        })
    }

    /// An empty batch, to be filled and exported.
    pub(super) fn batch(&self) -> Batch {
        Batch::new(Arc::clone(&self.prefix))
    }

    /// Exports spans to their end.
    pub(super) async fn export_spans(
        &mut self,
        spans: &[ExportSpan],
        ending: &mut Ending,
    ) -> Outcome {
        let mut batch = self.batch();
        for span in spans {
            batch.push_with(|to| span::push_value(to, span));
        }
        self.export(&mut batch, ending).await
    }

    /// Exports a batch to its end, trying again what is worth another try.
    pub(super) async fn export(&mut self, batch: &mut Batch, ending: &mut Ending) -> Outcome {
        let delivery = &mut self.delivery;
        let delivered = match &mut self.transport {
            Transport::Http(http) => delivery.deliver(http, batch, ending).await,
            #[cfg(feature = "otlp-grpc")]
            Transport::Grpc(grpc) => delivery.deliver(grpc, batch, ending).await,
        };
        let mut outcome = delivered.counts;
        if let Some(reason) = delivered.reason {
            outcome.error = Some(ExportError::Failed {
                lost: outcome.lost(),
                endpoint: self.shown.clone(),
                reason: self.explained(reason),
            });
        }
        outcome.warning = outcome.warning.map(|warning| {
            format!(
                "Jaeger at `{}` took the spans and says: {warning}",
                self.shown
            )
        });
        outcome
    }

    /// A reason, with what the port gives away.
    fn explained(&self, reason: String) -> String {
        if self.endpoint.port_u16() != Some(PAGE_PORT) {
            return reason;
        }
        let port = match &self.transport {
            Transport::Http(_) => 4318,
            #[cfg(feature = "otlp-grpc")]
            Transport::Grpc(_) => 4317,
        };
        format!("{reason}; {PAGE_PORT} is the port of Jaeger's own web page, use {port}")
    }
}

#[cfg(feature = "otlp-grpc")]
fn transport(
    is_grpc: bool,
    connector: Connector,
    endpoint: &Uri,
    headers: HeaderMap,
    gzip: bool,
) -> Transport {
    match is_grpc {
        true => Transport::Grpc(grpc::GrpcTransport::new(connector, endpoint, headers, gzip)),
        false => Transport::Http(http::HttpTransport::new(connector, endpoint, headers, gzip)),
    }
}

#[cfg(not(feature = "otlp-grpc"))]
fn transport(
    _is_grpc: bool,
    connector: Connector,
    endpoint: &Uri,
    headers: HeaderMap,
    gzip: bool,
) -> Transport {
    Transport::Http(http::HttpTransport::new(connector, endpoint, headers, gzip))
}

fn endpoint(config: &Jaeger) -> Result<Uri, ExportError> {
    let text = match (config.endpoint.as_str(), config.protocol) {
        ("", Protocol::OtlpGrpc) => "http://localhost:4317",
        ("", _) => "http://localhost:4318",
        (text, _) => text,
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

/// What a connection to this endpoint needs for TLS; `None`: the endpoint does not ask for it.
fn tls_config(
    config: &Jaeger,
    endpoint: &Uri,
) -> Result<Option<rustls::ClientConfig>, ExportError> {
    if endpoint.scheme_str() != Some("https") {
        return Ok(None);
    }
    let provider = tls::provider().ok_or_else(|| ExportError::NoCryptography {
        endpoint: shown(endpoint),
        advice: tls::ADVICE,
    })?;
    let files = tls::Files {
        ca: &config.ca_file,
        certificate: &config.client_certificate_file,
        key: &config.client_key_file,
    };
    let config = tls::client_config(&files, provider).map_err(ExportError::Client)?;
    Ok(Some(config))
}

/// An endpoint without its query, which may hold a key.
fn shown(endpoint: &Uri) -> String {
    let whole = endpoint.to_string();
    match whole.split_once('?') {
        Some((shown, _key)) => shown.to_owned(),
        None => whole,
    }
}

/// The configured headers, and the name of this library where they have none.
fn headers(config: &Jaeger) -> Result<HeaderMap, ExportError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        let invalid = || ExportError::Header { name: name.clone() };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    headers
        .entry(header::USER_AGENT)
        .or_insert(HeaderValue::from_static(concat!(
            "detective/",
            env!("CARGO_PKG_VERSION")
        )));
    Ok(headers)
}
