//! Exported spans in memory, for tests.

use std::sync::{Arc, Mutex, PoisonError};

use super::ExportSpan;

/// Keeps what is exported. Clones share what they keep.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryExporter {
    spans: Arc<Mutex<Vec<ExportSpan>>>,
}

impl MemoryExporter {
    /// Everything exported so far, in the order of export.
    pub(crate) fn spans(&self) -> Vec<ExportSpan> {
        self.lock().clone()
    }

    pub(super) fn push(&self, batch: Vec<ExportSpan>) {
        self.lock().extend(batch);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<ExportSpan>> {
        // Whoever panicked with the lock held was a test; the spans are whole.
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
