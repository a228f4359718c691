//! Stands in for OTLP over HTTP when its feature is off.

use http::HeaderMap;
use opentelemetry_otlp::SpanExporter;

use super::NetworkError;
use crate::config::Jaeger;
use crate::export::ExportError;

pub(super) const DEFAULT_ENDPOINT: &str = "";

pub(super) fn build(
    _config: &Jaeger,
    _endpoint: &http::Uri,
    _headers: HeaderMap,
    _network_error: &NetworkError,
) -> Result<SpanExporter, ExportError> {
    Err(ExportError::FeatureMissing {
        protocol: "otlp-http",
        feature: "otlp-http",
    })
}
