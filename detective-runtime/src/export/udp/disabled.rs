//! Stands in for the Jaeger agent's protocol when its feature is off.

use std::sync::Arc;

use crate::config::Jaeger;
use crate::export::{ExportError, ExportSpan, Resource};
use crate::metrics::Stats;

/// Cannot exist.
#[derive(Debug)]
pub(crate) enum UdpExporter {}

impl UdpExporter {
    pub(super) fn build(
        _config: &Jaeger,
        _resource: Resource,
        _stats: Arc<Stats>,
    ) -> Result<Self, ExportError> {
        Err(ExportError::FeatureMissing {
            protocol: "udp",
            feature: "jaeger-udp",
        })
    }

    pub(super) async fn export(&mut self, _batch: Vec<ExportSpan>) -> Result<(), ExportError> {
        match *self {}
    }
}
