//! A span that ended apart from its record, and therefore was made a value: spawned work, and what
//! outlived its request.

use crate::encode::span::{self, ATTRIBUTES, Common, EVENT_ATTRIBUTES, Place};
use crate::export::{ExportSpan, wire};

pub(super) fn encode(span: &ExportSpan, to: &mut Vec<u8>) {
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
    span::push(to, &common, &place, |to| {
        span::push_name(to, &[&span.name], span.kind);
        for (key, value) in &span.attributes {
            wire::push_value(to, ATTRIBUTES, key, value);
        }
        for event in &span.events {
            span::push_event(to, &event.name, event.unix_nanos, |to| {
                for (key, value) in &event.attributes {
                    wire::push_value(to, EVENT_ATTRIBUTES, key, value);
                }
            });
        }
        span::push_status(to, span.error.as_deref());
    });
}
