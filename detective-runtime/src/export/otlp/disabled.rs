//! Stands in for OTLP when both of its features are off.

use std::sync::Arc;

use crate::config::{Jaeger, Protocol};
use crate::export::{Ending, ExportError, ExportSpan, Outcome, Resource};
use crate::metrics::Stats;

/// Cannot exist.
#[derive(Debug)]
pub(crate) enum OtlpExporter {}

impl OtlpExporter {
    pub(super) fn build(config: &Jaeger, _: Resource, _: Arc<Stats>) -> Result<Self, ExportError> {
        Err(match config.protocol {
            Protocol::OtlpGrpc => ExportError::FeatureMissing {
                protocol: "otlp-grpc",
                feature: "otlp-grpc",
            },
            _ => ExportError::FeatureMissing {
                protocol: "otlp-http",
                feature: "otlp-http",
            },
        })
    }

    pub(super) async fn export_spans(&self, _: Vec<ExportSpan>, _: &mut Ending) -> Outcome {
        match *self {}
    }
}

pub(crate) fn check_cryptography(_endpoint: &str) -> Result<(), ExportError> {
    Ok(())
}

pub(crate) fn check_tls_files(_config: &Jaeger) -> Result<(), ExportError> {
    Ok(())
}
