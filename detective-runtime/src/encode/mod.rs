//! Encodes finished records as OTLP protobuf in one step.
//!
//! A record becomes the bytes of its spans, as fields of `ScopeSpans`, without an intermediate
//! form. What is the same for all spans of a route or a function is encoded once and then copied.
//!
//! [`server`] and [`below`] define the content of a span once, for the bytes and for the exporters
//! that take spans as values.
//!
//! <https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto>

pub(crate) mod attributes;
pub(crate) mod below;
mod fields;
mod prepared;
mod repeated;
pub(crate) mod server;

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::clock::UnixClock;
use crate::export::Batch;
use crate::export::wire_span::Common;
use crate::record::{HeadText, Kind, Record};
use crate::trace::Keep;

use fields::Fields;
use prepared::Prepared;

/// Encodes spans. It reuses encoded parts from one record to the next.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    prepared: Prepared,
    fields: Fields,
}

impl Encoder {
    /// Appends a range of the spans of a record whose trace is kept. The spans are in the order in
    /// which they began; the record's own span is last.
    pub(crate) fn record(
        &mut self,
        record: &Record,
        keep: Option<Keep>,
        clock: UnixClock,
        part: Range<usize>,
        batch: &mut Batch,
    ) {
        self.fields.sort(&record.fields, record.spans.len());
        let common = Common {
            trace_id: record.trace.trace_id.to_be_bytes(),
            trace_state: record.request.texts.get(HeadText::TraceState),
            flags: record.trace.flags,
        };
        let below = record.spans.iter().enumerate();
        for (index, span) in below.take(part.end).skip(part.start) {
            let fields = self.fields.of(&record.fields, index);
            batch.push_with(|to| {
                below::encode(
                    (record, span, clock),
                    &common,
                    fields,
                    &mut self.prepared,
                    to,
                );
            });
        }
        if record.kind == Kind::Request && part.contains(&record.spans.len()) {
            let fields = self.fields.of(&record.fields, record.spans.len());
            batch.push_with(|to| {
                server::encode(
                    (record, keep, clock),
                    &common,
                    fields,
                    &mut self.prepared,
                    to,
                );
            });
        }
    }
}
