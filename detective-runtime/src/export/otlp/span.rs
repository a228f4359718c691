//! The message `Span`, and the spans that were made values before.

use super::wire;
use crate::export::{ExportSpan, SpanKind};

/// `ScopeSpans.spans`.
const SPANS: u8 = wire::length_delimited(2);

/// `Span`.
const TRACE_ID: u8 = wire::length_delimited(1);
const SPAN_ID: u8 = wire::length_delimited(2);
const TRACE_STATE: u8 = wire::length_delimited(3);
const PARENT_SPAN_ID: u8 = wire::length_delimited(4);
const NAME: u8 = wire::length_delimited(5);
const KIND: u8 = wire::varint(6);
const START: u8 = wire::fixed64(7);
const END: u8 = wire::fixed64(8);
pub(crate) const ATTRIBUTES: u8 = wire::length_delimited(9);
const EVENTS: u8 = wire::length_delimited(11);
const STATUS: u8 = wire::length_delimited(15);
/// Field 16, four bytes; the only tag here that takes two.
const FLAGS: [u8; 2] = [0x85, 0x01];

/// `SpanFlags`: whether the parent is remote is known, and it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// `Event`.
const EVENT_TIME: u8 = wire::fixed64(1);
const EVENT_NAME: u8 = wire::length_delimited(2);
pub(crate) const EVENT_ATTRIBUTES: u8 = wire::length_delimited(3);

/// `Status`.
const MESSAGE: u8 = wire::length_delimited(2);
const CODE: u8 = wire::varint(3);
const CODE_ERROR: u8 = 2;

/// How many bytes the length of most spans takes.
const LENGTH: usize = 2;

/// What the spans of one record share.
#[derive(Debug)]
pub(crate) struct Common<'a> {
    pub(crate) trace_id: [u8; 16],
    pub(crate) trace_state: &'a str,
    pub(crate) flags: u8,
}

/// Where a span stands, in its trace and in time.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: u64,
    /// Zero: a root.
    pub(crate) parent: u64,
    pub(crate) parent_is_remote: bool,
    pub(crate) start_unix_nanos: u64,
    pub(crate) end_unix_nanos: u64,
}

/// Appends a span. `write` appends what is not the same for all kinds of spans.
#[inline(always)]
pub(crate) fn push(
    to: &mut Vec<u8>,
    common: &Common<'_>,
    place: &Place,
    write: impl FnOnce(&mut Vec<u8>),
) {
    wire::push_message::<LENGTH>(to, SPANS, |to| {
        let flags = u32::from(common.flags)
            | HAS_IS_REMOTE
            | if place.parent_is_remote { IS_REMOTE } else { 0 };
        let mut head = [0; 52];
        head[..2].copy_from_slice(&[TRACE_ID, 16]);
        head[2..18].copy_from_slice(&common.trace_id);
        head[18..20].copy_from_slice(&[SPAN_ID, 8]);
        head[20..28].copy_from_slice(&place.id.to_be_bytes());
        head[28] = START;
        head[29..37].copy_from_slice(&place.start_unix_nanos.to_le_bytes());
        head[37] = END;
        head[38..46].copy_from_slice(&place.end_unix_nanos.to_le_bytes());
        head[46..48].copy_from_slice(&FLAGS);
        head[48..].copy_from_slice(&flags.to_le_bytes());
        to.extend_from_slice(&head);
        if place.parent != 0 {
            let mut parent = [0; 10];
            parent[..2].copy_from_slice(&[PARENT_SPAN_ID, 8]);
            parent[2..].copy_from_slice(&place.parent.to_be_bytes());
            to.extend_from_slice(&parent);
        }
        if !common.trace_state.is_empty() {
            wire::push_bytes(to, TRACE_STATE, common.trace_state.as_bytes());
        }
        write(to);
    });
}

/// Appends a span that is a value.
pub(crate) fn push_value(to: &mut Vec<u8>, span: &ExportSpan) {
    let place = Place {
        id: span.span_id,
        parent: span.parent_span_id,
        parent_is_remote: span.parent_is_remote,
        start_unix_nanos: span.start_unix_nanos,
        end_unix_nanos: span.end_unix_nanos,
    };
    let common = Common {
        trace_id: span.trace_id.to_be_bytes(),
        trace_state: &span.trace_state,
        flags: span.flags,
    };
    push(to, &common, &place, |to| {
        push_name(to, &[&span.name], span.kind);
        for (key, value) in &span.attributes {
            wire::push_value(to, ATTRIBUTES, key, value);
        }
        for event in &span.events {
            push_event(to, &event.name, event.unix_nanos, |to| {
                for (key, value) in &event.attributes {
                    wire::push_value(to, EVENT_ATTRIBUTES, key, value);
                }
            });
        }
        push_status(to, span.error.as_deref());
    });
}

/// Appends the name and the kind.
pub(crate) fn push_name(to: &mut Vec<u8>, name: &[&str], kind: SpanKind) {
    wire::push_head(to, NAME, name.iter().map(|part| part.len()).sum());
    for part in name {
        to.extend_from_slice(part.as_bytes());
    }
    let kind = match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
    };
    to.extend_from_slice(&[KIND, kind]);
}

/// Appends an event. `write` appends its attributes.
pub(crate) fn push_event(
    to: &mut Vec<u8>,
    name: &str,
    unix_nanos: u64,
    write: impl FnOnce(&mut Vec<u8>),
) {
    wire::push_message::<LENGTH>(to, EVENTS, |to| {
        to.push(EVENT_TIME);
        to.extend_from_slice(&unix_nanos.to_le_bytes());
        wire::push_bytes(to, EVENT_NAME, name.as_bytes());
        write(to);
    });
}

/// Appends the status: that of an error with this description, which may be empty, or none.
#[inline]
pub(crate) fn push_status(to: &mut Vec<u8>, error: Option<&str>) {
    let Some(message) = error else {
        return to.extend_from_slice(&[STATUS, 0]);
    };
    if message.is_empty() {
        return to.extend_from_slice(&[STATUS, 2, CODE, CODE_ERROR]);
    }
    wire::push_head(to, STATUS, wire::delimited_len(message.len()) + 2);
    wire::push_bytes(to, MESSAGE, message.as_bytes());
    to.extend_from_slice(&[CODE, CODE_ERROR]);
}
