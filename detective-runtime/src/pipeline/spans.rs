//! Converts a record to spans as values, for the exporters that do not take bytes.
//! [`encode`](crate::encode) defines the content of the spans.

use std::borrow::Cow;

use crate::clock::UnixClock;
use crate::encode::{below, server};
use crate::export::{Attribute, ExportEvent, ExportSpan, SpanKind};
use crate::record::{Field, HeadText, Kind, Record, Span, SpanError, What};
use crate::trace::Keep;

/// Room for the attributes that nearly every server span has, and for a few of the program's own.
const SERVER_ATTRIBUTES: usize = 20;

/// The same for a span below the server span.
const ATTRIBUTES_BELOW: usize = 6;

/// Converts the spans of a record whose trace is kept. Spans that have not ended are included, with
/// an end of zero.
pub(crate) fn convert(record: &Record, keep: Option<Keep>, clock: UnixClock) -> Vec<ExportSpan> {
    let mut spans = Vec::with_capacity(record.spans.len() + 1);
    let below = |span| below(record, span, clock);
    spans.extend(record.spans.iter().map(below));
    if record.kind == Kind::Request {
        spans.push(server_span(record, keep, clock));
    }
    for field in &record.fields {
        // The record's own span comes after the others.
        let index = field
            .span
            .map_or(record.spans.len(), |index| index as usize);
        if let Some(span) = spans.get_mut(index) {
            set(&mut span.attributes, field);
        }
    }
    spans
}

/// The last value of a key counts: OTLP does not allow a key twice.
fn set(attributes: &mut Vec<Attribute>, field: &Field) {
    let value = field.value.clone();
    match attributes.iter_mut().find(|(key, _)| *key == field.key) {
        Some(attribute) => attribute.1 = value,
        None => attributes.push((field.key.clone(), value)),
    }
}

/// Completes a span that outlived its record with the end that arrived later.
pub(crate) fn complete(span: &mut ExportSpan, end: &mut ExportSpan) {
    span.end_unix_nanos = end.end_unix_nanos;
    span.attributes.append(&mut end.attributes);
    span.events.append(&mut end.events);
    span.error = end.error.take();
}

fn below(record: &Record, span: &Span, clock: UnixClock) -> ExportSpan {
    let mut attributes = Vec::with_capacity(ATTRIBUTES_BELOW);
    if let What::Function(callsite) = span.what {
        below::of_function(callsite, &mut attributes);
    }
    if let Some(error) = span.error.as_deref() {
        below::of_error(error, &mut attributes);
    }
    let end_unix_nanos = below::end_unix_nanos(span, clock);
    let exception = below::exception(record, span);
    ExportSpan {
        trace_id: record.trace.trace_id,
        span_id: span.id,
        parent_span_id: span.parent,
        parent_is_remote: false,
        flags: record.trace.flags,
        trace_state: record.request.texts.get(HeadText::TraceState).to_owned(),
        name: below::name(&span.what),
        kind: below::kind(&span.what),
        start_unix_nanos: clock.unix_nanos(span.start),
        end_unix_nanos,
        attributes,
        events: exception
            .map(|error| event(error, end_unix_nanos))
            .into_iter()
            .collect(),
        error: span.error.as_ref().map(|error| error.message.clone()),
    }
}

fn event(error: &SpanError, unix_nanos: u64) -> ExportEvent {
    let mut attributes = Vec::new();
    below::of_exception(error, &mut attributes);
    ExportEvent {
        name: Cow::Borrowed(below::EXCEPTION),
        unix_nanos,
        attributes,
    }
}

fn server_span(record: &Record, keep: Option<Keep>, clock: UnixClock) -> ExportSpan {
    let slot = record.request.slot.as_deref();
    let mut attributes = Vec::with_capacity(SERVER_ATTRIBUTES);
    if let Some(slot) = slot {
        server::of_slot(slot, &mut attributes);
    }
    server::of_record(record, keep, &mut attributes);
    ExportSpan {
        trace_id: record.trace.trace_id,
        span_id: record.trace.span_id,
        parent_span_id: record.trace.parent_span_id,
        parent_is_remote: record.trace.parent_span_id != 0,
        flags: record.trace.flags,
        trace_state: record.request.texts.get(HeadText::TraceState).to_owned(),
        name: server::name(slot).concat().into(),
        kind: SpanKind::Server,
        start_unix_nanos: clock.unix_nanos(record.start),
        end_unix_nanos: clock.unix_nanos(record.end),
        attributes,
        events: Vec::new(),
        error: server::is_error(record).then(String::new),
    }
}
