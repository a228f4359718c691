//! Stands in for OTLP when both of its features are off.

mod batch;
pub(crate) mod wire;

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

    pub(super) async fn export(&self, _batch: Vec<ExportSpan>) -> Result<(), ExportError> {
        match *self {}
    }
}
