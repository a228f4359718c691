//! Converts records to rows. Rows borrow from the records, so nothing is copied on the way to the
//! database.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderName, HeaderValue};

use crate::clock::UnixClock;
use crate::record::{HeadText, Instance, Outcome, Record, SharedRecord, header_text};
use crate::store::{ApiMetric, Row, RowBatch, WriteQueue};

/// The destination of rows.
#[derive(Debug)]
pub(crate) enum RowSink {
    /// The store is off.
    Off,
    /// The database.
    Store(WriteQueue<RowRecords>),
    /// A list in memory, for tests.
    Memory(Arc<Mutex<Vec<ApiMetric>>>),
}

impl RowSink {
    /// Whether rows are needed.
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Resolves when all rows that were pushed before are written, or finally refused.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + use<> {
        let written = match self {
            Self::Store(queue) => Some(queue.flush()),
            Self::Memory(_) | Self::Off => None,
        };
        async move {
            if let Some(written) = written {
                written.await;
            }
        }
    }

    /// Queues a batch. Its records are reused after the write.
    pub(crate) fn push(&self, batch: RowRecords) {
        match self {
            Self::Store(queue) => queue.push(batch),
            Self::Memory(rows) => {
                rows.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(batch.rows(0..batch.len()).map(ApiMetric::from));
                batch.recycle();
            }
            Self::Off => batch.recycle(),
        }
    }
}

/// A batch of finished requests for the store.
#[derive(Debug)]
pub(crate) struct RowRecords {
    records: Vec<SharedRecord>,
    clock: UnixClock,
    instance: Arc<Instance>,
}

impl RowRecords {
    pub(crate) fn new(
        records: Vec<SharedRecord>,
        clock: UnixClock,
        instance: Arc<Instance>,
    ) -> Self {
        Self {
            records,
            clock,
            instance,
        }
    }

    /// Releases the records, for reuse.
    pub(crate) fn recycle(self) {
        for record in self.records {
            self.instance.records.release(record);
        }
    }
}

impl RowBatch for RowRecords {
    fn len(&self) -> usize {
        self.records.len()
    }

    fn rows(&self, part: Range<usize>) -> impl Iterator<Item = Row<'_>> + Send {
        self.records[part].iter().filter_map(|record| {
            let row = row(record, self.clock);
            debug_assert!(row.is_some(), "a request has a slot");
            row
        })
    }

    fn truncate(&mut self, len: usize) {
        for record in self.records.drain(len..) {
            self.instance.records.release(record);
        }
    }
}

fn row(record: &Record, clock: UnixClock) -> Option<Row<'_>> {
    let Record {
        request, response, ..
    } = record;
    let (owner, slot) = (&record.owner, request.slot.as_ref()?);
    let capture = &owner.snapshot.config.capture;
    Some(Row {
        endpoint: &slot.endpoint,
        method: &slot.method,
        path: non_empty(request.texts.get(HeadText::Path)),
        status_code: (response.status != 0).then_some(response.status),
        response_nanos: record.end.saturating_sub(record.start),
        head_nanos: (response.head != 0).then(|| response.head.saturating_sub(record.start)),
        unix_nanos: clock.unix_nanos(record.start),
        outcome: response.outcome.unwrap_or(Outcome::Ok),
        error: record.handler.error.as_deref(),
        handler: record.handler.callsite.map(|callsite| callsite.path()),
        trace_id: (record.trace.trace_id != 0).then_some(record.trace.trace_id),
        client: owner
            .instance
            .visitors
            .visitor(capture.client_address, request.client),
        user_agent: non_empty(request.texts.get(HeadText::UserAgent)),
        consumer: non_empty(&record.consumer),
        request_headers: headers(&request.headers, capture.max_text_bytes),
        response_headers: headers(&response.headers, capture.max_text_bytes),
        request_bytes: request.body.get(),
        response_bytes: response.bytes,
    })
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn headers(
    headers: &[(HeaderName, HeaderValue)],
    max_text_bytes: usize,
) -> Cow<'static, [(String, String)]> {
    if headers.is_empty() {
        return Cow::Borrowed(&[]);
    }
    headers
        .iter()
        .map(|(name, value)| {
            let value = header_text(value, max_text_bytes).into_owned();
            (name.to_string(), value)
        })
        .collect()
}
