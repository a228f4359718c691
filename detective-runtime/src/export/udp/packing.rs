//! How spans are packed into datagrams.
//!
//! All sizes are upper bounds of compact thrift (thrift's `doc/specs/thrift-compact-protocol.md`,
//! Jaeger's `jaeger.thrift`), so that what is thought to fit does fit.

use std::borrow::Cow;

use crate::export::{Attribute, ExportEvent, ExportSpan, SCOPE};
use crate::value::Value;

/// A field's header, for field ids that grow by less than sixteen.
const FIELD: usize = 1;
/// The byte that ends a struct.
const STOP: usize = 1;
/// A list's header: its type and up to five bytes of length.
const LIST: usize = 6;
/// A 32-bit number, or a length.
const I32: usize = 5;
/// A 64-bit number.
const I64: usize = 10;
/// What jaeger-client libraries leave free for the message's own header.
const HEADROOM: usize = 70;

/// How much was taken off spans that did not fit alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shed {
    pub(super) events: u64,
    pub(super) attributes: u64,
}

/// Everything in a datagram that is not a span: the message and the process.
pub(super) fn envelope_bound(resource: &[Attribute]) -> usize {
    // The name of the service is there twice, as the process's name and as a tag, and is
    // `unknown_service` if the resource has none.
    let name = resource
        .iter()
        .find(|(key, _)| key == "service.name")
        .map_or(0, |(_, value)| value_bound(value))
        + text_bound("unknown_service".len());
    let process = FIELD + name + FIELD + LIST + attributes_bound(resource) + STOP;
    HEADROOM + FIELD + process + FIELD + LIST + STOP + STOP + tag_bound("service.name".len(), name)
}

/// Makes each text list the JSON text that it would become anyway, since thrift has no lists in
/// tags, so that its size is known.
pub(super) fn flatten_lists(attributes: &mut [Attribute]) {
    for (_, value) in attributes {
        if let Value::TextList(texts) = value {
            let json = serde_json::Value::from(std::mem::take(texts));
            *value = Value::Text(Cow::Owned(json.to_string()));
        }
    }
}

/// Distributes spans, in their order, over packets of at most `capacity` bytes each. Every span
/// arrives in one of them, if need be without its events and largest attributes.
pub(super) fn pack(spans: Vec<ExportSpan>, capacity: usize) -> (Vec<Vec<ExportSpan>>, Shed) {
    let mut packets = Vec::new();
    let mut shed = Shed::default();
    let mut packet = Vec::new();
    let mut room = capacity;
    for mut span in spans {
        let size = fit(&mut span, capacity, &mut shed);
        if size > room {
            packets.push(std::mem::take(&mut packet));
            room = capacity;
        }
        room -= size;
        packet.push(span);
    }
    if !packet.is_empty() {
        packets.push(packet);
    }
    (packets, shed)
}

/// Makes the span fit into `capacity` and returns its size.
fn fit(span: &mut ExportSpan, capacity: usize, shed: &mut Shed) -> usize {
    flatten_lists(&mut span.attributes);
    for event in &mut span.events {
        flatten_lists(&mut event.attributes);
    }
    let mut size = span_bound(span);
    while size > capacity {
        if let Some(event) = take_largest(&mut span.events, event_bound) {
            size -= event_bound(&event);
            shed.events += 1;
        } else if let Some(attribute) = take_largest(&mut span.attributes, attribute_bound) {
            size -= attribute_bound(&attribute);
            shed.attributes += 1;
        } else {
            // Only its texts are left. A quarter of the room for each is far more than anyone
            // reads.
            cut(span.name.to_mut(), capacity / 4);
            if let Some(error) = &mut span.error {
                cut(error, capacity / 4);
            }
            size = span_bound(span);
            debug_assert!(
                size <= capacity,
                "a span without events and attributes fits"
            );
            break;
        }
    }
    size
}

fn take_largest<T>(items: &mut Vec<T>, size: impl Fn(&T) -> usize) -> Option<T> {
    let (index, _) = items
        .iter()
        .enumerate()
        .max_by_key(|(_, item)| size(item))?;
    Some(items.remove(index))
}

fn cut(text: &mut String, max_bytes: usize) {
    text.truncate(text.floor_char_boundary(max_bytes));
}

fn span_bound(span: &ExportSpan) -> usize {
    let ids_and_times = 6 * (FIELD + I64);
    let flags = FIELD + I32;
    let lists = 2 * (FIELD + LIST);
    let kind = tag_bound("span.kind".len(), text_bound("internal".len()));
    let scope = tag_bound("otel.scope.name".len(), text_bound(SCOPE.len()));
    let error = span.error.as_ref().map_or(0, |error| {
        tag_bound("error".len(), 0)
            + tag_bound("otel.status_code".len(), text_bound("ERROR".len()))
            + tag_bound("otel.status_description".len(), text_bound(error.len()))
    });
    ids_and_times
        + FIELD
        + text_bound(span.name.len())
        + flags
        + lists
        + kind
        + scope
        + error
        + attributes_bound(&span.attributes)
        + span.events.iter().map(event_bound).sum::<usize>()
        + STOP
}

fn event_bound(event: &ExportEvent) -> usize {
    FIELD
        + I64
        + FIELD
        + LIST
        + attributes_bound(&event.attributes)
        + tag_bound("event".len(), text_bound(event.name.len()))
        + STOP
}

fn attributes_bound(attributes: &[Attribute]) -> usize {
    attributes.iter().map(attribute_bound).sum()
}

fn attribute_bound((key, value): &Attribute) -> usize {
    tag_bound(key.len(), value_bound(value))
}

fn tag_bound(key_bytes: usize, value: usize) -> usize {
    FIELD + text_bound(key_bytes) + FIELD + I32 + FIELD + value + STOP
}

fn value_bound(value: &Value) -> usize {
    match value {
        // A truth value is part of its field's header.
        Value::Bool(_) => 0,
        Value::I64(_) => I64,
        Value::F64(_) => 8,
        Value::Text(text) => text_bound(text.len()),
        // Escaped, each byte takes six at most. Lists are flattened before they are measured.
        Value::TextList(texts) => text_bound(texts.iter().map(|text| 6 * text.len() + 3).sum()),
    }
}

fn text_bound(bytes: usize) -> usize {
    I32 + bytes
}
