//! Our spans as those of opentelemetry_sdk 0.33.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, SpanContext, SpanKind as OtelKind, Status, TraceFlags, TraceState,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value as OtelValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::export::{Attribute, ExportSpan, Resource, SCOPE, SpanKind};
use crate::value::Value;

pub(super) fn resource(resource: Resource) -> opentelemetry_sdk::Resource {
    opentelemetry_sdk::Resource::builder_empty()
        .with_attributes(attributes(resource))
        .build()
}

pub(crate) fn span(span: ExportSpan) -> SpanData {
    let mut events = SpanEvents::default();
    events.events = span
        .events
        .into_iter()
        .map(|event| {
            let attributes = attributes(event.attributes);
            Event::new(event.name, time(event.unix_nanos), attributes, 0)
        })
        .collect();
    SpanData {
        span_context: SpanContext::new(
            span.trace_id.into(),
            span.span_id.into(),
            TraceFlags::new(span.flags),
            false,
            trace_state(&span.trace_state),
        ),
        parent_span_id: span.parent_span_id.into(),
        parent_span_is_remote: span.parent_is_remote,
        span_kind: match span.kind {
            SpanKind::Server => OtelKind::Server,
            SpanKind::Internal => OtelKind::Internal,
            SpanKind::Client => OtelKind::Client,
        },
        name: span.name,
        start_time: time(span.start_unix_nanos),
        end_time: time(span.end_unix_nanos),
        attributes: attributes(span.attributes),
        dropped_attributes_count: 0,
        events,
        links: SpanLinks::default(),
        status: span.error.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder(SCOPE)
            .with_version(env!("CARGO_PKG_VERSION"))
            .build(),
    }
}

fn trace_state(text: &str) -> TraceState {
    // Most traces have none, and the parser makes an error of that.
    if text.is_empty() {
        return TraceState::NONE;
    }
    text.parse().unwrap_or_default()
}

fn attributes(attributes: Vec<Attribute>) -> Vec<KeyValue> {
    attributes
        .into_iter()
        .map(|(key, value)| KeyValue::new(key, self::value(value)))
        .collect()
}

fn value(value: Value) -> OtelValue {
    match value {
        Value::Bool(value) => OtelValue::Bool(value),
        Value::I64(value) => OtelValue::I64(value),
        Value::F64(value) => OtelValue::F64(value),
        Value::Text(value) => OtelValue::String(value.into()),
        Value::TextList(values) => {
            let values = values.into_iter().map(StringValue::from).collect();
            OtelValue::Array(Array::String(values))
        }
    }
}

fn time(unix_nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nanos)
}
