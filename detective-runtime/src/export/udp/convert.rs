//! Our spans as those of opentelemetry_sdk 0.23.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_0_23::trace::{
    Event, SpanContext, SpanKind as OtelKind, Status, TraceFlags, TraceState,
};
use opentelemetry_0_23::{Array, Key, KeyValue, StringValue, Value as OtelValue};
use opentelemetry_sdk_0_23::export::trace::SpanData;
use opentelemetry_sdk_0_23::trace::{SpanEvents, SpanLinks};

use crate::export::{Attribute, ExportSpan, Resource, SCOPE, SpanKind};
use crate::value::{Value, not_finite};

pub(super) fn resource(resource: Resource) -> opentelemetry_sdk_0_23::Resource {
    opentelemetry_sdk_0_23::Resource::new(attributes(resource))
}

pub(super) fn span(span: ExportSpan) -> SpanData {
    let mut events = SpanEvents::default();
    events.events = span
        .events
        .into_iter()
        .map(|event| {
            let attributes = attributes(event.attributes);
            Event::new(event.name, time(event.unix_nanos), attributes, 0)
        })
        .collect();
    let mut attributes = attributes(span.attributes);
    // Where OTLP has the scope beside the span, thrift has a tag.
    attributes.push(KeyValue::new("otel.scope.name", SCOPE));
    if span.kind == SpanKind::Internal {
        // The crate leaves this one out, OTLP's way into Jaeger does not.
        attributes.push(KeyValue::new("span.kind", "internal"));
    }
    SpanData {
        // Thrift has no trace state.
        span_context: SpanContext::new(
            span.trace_id.into(),
            span.span_id.into(),
            // Jaeger takes a second bit for its own DEBUG.
            TraceFlags::new(span.flags & 1),
            false,
            TraceState::default(),
        ),
        parent_span_id: span.parent_span_id.into(),
        span_kind: match span.kind {
            SpanKind::Server => OtelKind::Server,
            SpanKind::Internal => OtelKind::Internal,
            SpanKind::Client => OtelKind::Client,
        },
        name: span.name,
        start_time: time(span.start_unix_nanos),
        end_time: time(span.end_unix_nanos),
        attributes,
        dropped_attributes_count: 0,
        events,
        links: SpanLinks::default(),
        status: span.error.map_or(Status::Unset, Status::error),
        // The process carries the resource, and no tags are asked for the library.
        resource: Cow::Owned(opentelemetry_sdk_0_23::Resource::empty()),
        instrumentation_lib: Default::default(),
    }
}

fn attributes(attributes: Vec<Attribute>) -> Vec<KeyValue> {
    attributes
        .into_iter()
        .map(|(key, value)| KeyValue::new(self::key(key), self::value(value)))
        .collect()
}

fn key(key: Cow<'static, str>) -> Key {
    match key {
        Cow::Borrowed(key) => Key::from_static_str(key),
        Cow::Owned(key) => key.into(),
    }
}

fn value(value: Value) -> OtelValue {
    match value {
        Value::Bool(value) => OtelValue::Bool(value),
        Value::I64(value) => OtelValue::I64(value),
        Value::F64(value) => match not_finite(value) {
            Some(text) => OtelValue::String(text.into()),
            None => OtelValue::F64(value),
        },
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
