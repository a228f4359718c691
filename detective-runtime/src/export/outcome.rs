//! What became of a batch.

use std::sync::atomic::Ordering::Relaxed;

use super::ExportError;
use crate::metrics::{DropReason, Part, Stats};

/// What became of a batch: each of its spans is in one of the counts.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Taken.
    pub(crate) exported: usize,
    /// Not taken by a collector that took others of the same message.
    pub(crate) rejected: usize,
    /// Refused alone, for its size.
    pub(crate) too_large: usize,
    /// Lost for any other reason.
    pub(crate) failed: usize,
    /// Why spans are missing.
    pub(crate) error: Option<ExportError>,
    /// What the collector has to say although it took all spans.
    pub(crate) warning: Option<String>,
}

impl Outcome {
    /// All of `spans` were taken.
    pub(crate) fn exported(spans: usize) -> Self {
        Self {
            exported: spans,
            ..Self::default()
        }
    }

    /// Some or all of `spans` were lost.
    pub(crate) fn failed(spans: usize, error: ExportError) -> Self {
        let failed = match &error {
            ExportError::Failed { lost, .. } => (*lost).min(spans),
            _ => spans,
        };
        Self {
            exported: spans - failed,
            failed,
            error: Some(error),
            ..Self::default()
        }
    }

    /// How many spans are missing.
    pub(crate) fn lost(&self) -> usize {
        self.rejected + self.too_large + self.failed
    }

    /// Counts it, tells of trouble, and gives back what is missing.
    ///
    /// # Errors
    ///
    /// Why spans are missing.
    pub(crate) fn account(self, stats: &Stats) -> Result<(), ExportError> {
        stats
            .spans_exported
            .fetch_add(self.exported as u64, Relaxed);
        for (reason, count) in [
            (DropReason::SpanRejected, self.rejected),
            (DropReason::SpanTooLarge, self.too_large),
            (DropReason::SpanExportFailed, self.failed),
        ] {
            if count > 0 {
                stats.dropped(reason, count as u64);
            }
        }
        match (self.error, self.warning) {
            (Some(error), _) => {
                stats.failed(Part::Exporter, error.to_string());
                return Err(error);
            }
            (None, Some(warning)) => stats.warned(Part::Exporter, warning),
            (None, None) => stats.succeeded(Part::Exporter),
        }
        Ok(())
    }
}
