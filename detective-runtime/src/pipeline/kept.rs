//! What waits for the exporter: finished records. They are encoded only when they are exported.

use std::ops::Range;

use crate::clock::UnixClock;
use crate::encode::Encoder;
use crate::export::{Batch, ExportSpan, TracePart, wire_span};
use crate::pipeline::spans;
use crate::record::{Instance, Kind, SharedRecord};
use crate::trace::Keep;

/// Spans of a kept trace that ended together.
#[derive(Debug)]
pub(crate) enum Kept {
    /// A record whose spans have all ended.
    Record {
        record: SharedRecord,
        keep: Keep,
        /// The clock of the batch that the record was drained with.
        clock: UnixClock,
    },
    /// Spans that ended apart from their record.
    Spans(Vec<ExportSpan>),
}

impl Kept {
    /// Releases the record, if there is one, for reuse.
    pub(crate) fn recycle(self, instance: &Instance) {
        match self {
            Self::Record { record, .. } => instance.records.release(record),
            Self::Spans(_) => {}
        }
    }
}

impl TracePart for Kept {
    type Encoder = Encoder;

    fn len(&self) -> usize {
        match self {
            Self::Record { record, .. } => {
                record.spans.len() + usize::from(record.kind == Kind::Request)
            }
            Self::Spans(spans) => spans.len(),
        }
    }

    fn encode(&self, part: Range<usize>, encoder: &mut Encoder, batch: &mut Batch) {
        match self {
            Self::Record {
                record,
                keep,
                clock,
            } => encoder.record(record, Some(*keep), *clock, part, batch),
            Self::Spans(spans) => {
                for span in &spans[part] {
                    batch.push_with(|to| wire_span::push_value(to, span));
                }
            }
        }
    }

    fn spans(&self) -> Vec<ExportSpan> {
        match self {
            Self::Record {
                record,
                keep,
                clock,
            } => spans::convert(record, Some(*keep), *clock),
            Self::Spans(spans) => spans.clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;

    use super::*;
    use crate::export::SpanKind;
    use crate::pipeline::RowRecords;
    use crate::record::{Instance, Span, What};
    use crate::testing;

    /// A finished record with this many spans below its own.
    fn record(instance: &Arc<Instance>, kind: Kind, below: u64) -> SharedRecord {
        let mut record = instance.begin(kind);
        record.spans.extend((1..=below).map(|id| Span {
            id,
            parent: 0,
            start: 1,
            end: 2,
            what: What::Named(Cow::Borrowed("work"), SpanKind::Internal),
            error: None,
        }));
        record.share()
    }

    fn keep(record: &SharedRecord) -> Kept {
        Kept::Record {
            record: SharedRecord::clone(record),
            keep: Keep::Ratio,
            clock: UnixClock::read(),
        }
    }

    /// A kept request with this many spans, its own included.
    pub(crate) fn request(instance: &Arc<Instance>, spans: u64) -> Kept {
        keep(&record(instance, Kind::Request, spans - 1))
    }

    /// Whether the next record is a reused one. Only reused records already have room for spans.
    pub(crate) fn has_recycled(instance: &Instance) -> bool {
        instance.records.take_empty().is_some()
    }

    #[tokio::test]
    async fn a_record_is_used_again_when_both_row_and_trace_are_done_with_it() {
        let (_detective, sinks) = testing::start("").await.unwrap();
        let instance = &sinks.instance;
        let both = || {
            let record = record(instance, Kind::Request, 1);
            let kept = keep(&record);
            let row = RowRecords::new(vec![record], UnixClock::read(), Arc::clone(instance));
            (row, kept)
        };

        let (row, kept) = both();
        row.recycle();
        assert!(!has_recycled(instance));
        assert_eq!(kept.spans().len(), 2);
        kept.recycle(instance);
        assert!(has_recycled(instance));

        let (row, kept) = both();
        kept.recycle(instance);
        assert!(!has_recycled(instance));
        row.recycle();
        assert!(has_recycled(instance));
    }

    #[tokio::test]
    async fn every_span_of_a_record_counts() {
        let (_detective, sinks) = testing::start("").await.unwrap();
        for (kind, below, expected) in [
            (Kind::Request, 0, 1),
            (Kind::Request, 1000, 1001),
            (Kind::Work, 3, 3),
        ] {
            let kept = keep(&record(&sinks.instance, kind, below));
            assert_eq!(kept.len(), expected);
            assert_eq!(kept.spans().len(), expected);
        }
    }
}
