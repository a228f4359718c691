//! Stands in for OTLP when both of its features are off.

mod batch;
pub(crate) mod span;
pub(crate) mod wire;

#[allow(unused_imports, reason = "tests")]
pub(crate) use batch::{Batch, Prefix};

use crate::config::{Jaeger, Protocol};
use crate::export::{ExportError, ExportSpan, Resource};

/// Cannot exist.
#[derive(Debug)]
pub(crate) enum OtlpExporter {}

impl OtlpExporter {
    pub(super) fn build(config: &Jaeger, _resource: Resource) -> Result<Self, ExportError> {
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

    pub(super) fn batch(&self) -> Batch {
        match *self {}
    }

    pub(super) async fn export_spans(&mut self, _spans: &[ExportSpan]) -> Result<(), ExportError> {
        match *self {}
    }

    pub(super) async fn export(&mut self, _batch: &mut Batch) -> Result<(), ExportError> {
        match *self {}
    }
}
