//! What waits to be exported: finished records, which are converted only when somebody takes them.

use crate::clock::UnixClock;
use crate::export::ExportSpan;
use crate::pipeline::spans;
use crate::record::{Kind, SharedRecord, UniqueRecord};
use crate::trace::Keep;

/// Spans of a kept trace that came together.
#[derive(Debug)]
pub(crate) enum Kept {
    /// A record whose spans have all ended.
    Record {
        record: SharedRecord,
        keep: Keep,
        /// The clock of the batch that the record was drained with.
        clock: UnixClock,
    },
    /// What ended apart from its record.
    Spans(Vec<ExportSpan>),
}

impl Kept {
    /// How many spans there are.
    pub(crate) fn spans(&self) -> usize {
        match self {
            Self::Record { record, .. } => {
                record.spans.len() + usize::from(record.kind == Kind::Request)
            }
            Self::Spans(spans) => spans.len(),
        }
    }

    /// The spans as they leave. The record is let go of.
    pub(crate) fn into_spans(self) -> Vec<ExportSpan> {
        match self {
            Self::Record {
                record,
                keep,
                clock,
            } => {
                let spans = spans::convert(&record, Some(keep), clock);
                UniqueRecord::release(record);
                spans
            }
            Self::Spans(spans) => spans,
        }
    }

    /// Lets go of it unconverted.
    pub(crate) fn forget(self) {
        match self {
            Self::Record { record, .. } => UniqueRecord::release(record),
            Self::Spans(_) => {}
        }
    }
}
