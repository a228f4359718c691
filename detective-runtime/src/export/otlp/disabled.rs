//! Stands in for OTLP when both of its features are off.

mod batch;
pub(crate) mod span;
pub(crate) mod wire;

use std::sync::Arc;

#[allow(unused_imports, reason = "tests")]
pub(crate) use batch::{Batch, Prefix};

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

    pub(super) fn batch(&self) -> Batch {
        match *self {}
    }

    pub(super) async fn export(&mut self, _: &mut Batch, _: &mut Ending) -> Outcome {
        match *self {}
    }

    pub(super) async fn export_spans(&mut self, _: &[ExportSpan], _: &mut Ending) -> Outcome {
        match *self {}
    }
}
