//! A span as a field of `ScopeSpans`.

use super::wire::{self, fixed64, length_delimited, push_bytes, push_message, push_varint, varint};
use crate::export::{ExportSpan, SpanKind};

/// `Span.flags`: bit 8 says that bit 9 is known, and that says whether the parent is remote.
const FLAGS_KNOWN: u32 = 0x100;
const FLAGS_REMOTE: u32 = 0x200;

pub(crate) fn push_value(to: &mut Vec<u8>, span: &ExportSpan) {
    push_message::<3, _>(to, length_delimited(2), |to| {
        push_bytes(to, length_delimited(1), &span.trace_id.to_be_bytes());
        push_bytes(to, length_delimited(2), &span.span_id.to_be_bytes());
        if !span.trace_state.is_empty() {
            push_bytes(to, length_delimited(3), span.trace_state.as_bytes());
        }
        if span.parent_span_id != 0 {
            push_bytes(to, length_delimited(4), &span.parent_span_id.to_be_bytes());
        }
        push_bytes(to, length_delimited(5), span.name.as_bytes());
        to.push(varint(6));
        push_varint(
            to,
            match span.kind {
                SpanKind::Internal => 1,
                SpanKind::Server => 2,
                SpanKind::Client => 3,
            },
        );
        to.push(fixed64(7));
        to.extend_from_slice(&span.start_unix_nanos.to_le_bytes());
        to.push(fixed64(8));
        to.extend_from_slice(&span.end_unix_nanos.to_le_bytes());
        for (key, value) in &span.attributes {
            wire::push_value(to, length_delimited(9), key, value);
        }
        for event in &span.events {
            push_message::<2, _>(to, length_delimited(11), |to| {
                to.push(fixed64(1));
                to.extend_from_slice(&event.unix_nanos.to_le_bytes());
                push_bytes(to, length_delimited(2), event.name.as_bytes());
                for (key, value) in &event.attributes {
                    wire::push_value(to, length_delimited(3), key, value);
                }
            });
        }
        if let Some(message) = &span.error {
            push_message::<1, _>(to, length_delimited(15), |to| {
                push_bytes(to, length_delimited(2), message.as_bytes());
                to.push(varint(3));
                push_varint(to, 2);
            });
        }
        let remote = if span.parent_is_remote {
            FLAGS_REMOTE
        } else {
            0
        };
        let flags = u32::from(span.flags) | FLAGS_KNOWN | remote;
        // `Span.flags` is field 16, whose tag takes two bytes.
        to.extend_from_slice(&[0x85, 0x01]);
        to.extend_from_slice(&flags.to_le_bytes());
    });
}
