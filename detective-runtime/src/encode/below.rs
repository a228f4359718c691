//! The spans below a record's own: functions and outgoing calls.

use std::borrow::Cow;

use crate::attribute::Callsite;
use crate::clock::UnixClock;
use crate::encode::attributes::{Attributes, Encoded};
use crate::encode::fields;
use crate::encode::prepared::{Beginning, Prepared};
use crate::export::wire_span::{ATTRIBUTES, Common, EVENT_ATTRIBUTES, Place};
use crate::export::{SpanKind, wire_span};
use crate::record::{Field, Record, Span, SpanError, What};

/// The name of the event for an error.
pub(crate) const EXCEPTION: &str = "exception";

/// The attributes that are the same for all calls of a function.
pub(crate) fn of_function(callsite: &Callsite, into: &mut impl Attributes) {
    let site = callsite.site();
    into.text("code.function.name", callsite.path());
    into.text("code.file.path", site.file);
    into.int("code.line.number", site.line.into());
}

pub(super) fn beginning(callsite: &Callsite) -> Beginning {
    let name = [callsite.site().name];
    Beginning::new(&name, SpanKind::Internal, |into| {
        of_function(callsite, into);
    })
}

/// The attributes of an error.
#[inline]
pub(crate) fn of_error(error: &SpanError, into: &mut impl Attributes) {
    into.text("error.type", &error.error_type);
}

/// The error for the event of a span, if the span gets one.
pub(crate) fn exception<'a>(record: &Record, span: &'a Span) -> Option<&'a SpanError> {
    let error = span.error.as_deref()?;
    // Outgoing calls describe a failure by their attributes alone.
    let is_internal = kind(&span.what) == SpanKind::Internal;
    (is_internal && record.owner.snapshot.config.tracing.exception_events).then_some(error)
}

/// The attributes of that event.
pub(crate) fn of_exception(error: &SpanError, into: &mut impl Attributes) {
    into.text("exception.type", &error.error_type);
    into.present_text("exception.message", &error.message);
}

/// The name of a span.
pub(crate) fn name(what: &What) -> Cow<'static, str> {
    match what {
        What::Named(name, _) => name.clone(),
        What::Function(callsite) => Cow::Borrowed(callsite.site().name),
        What::Late => Cow::Borrowed(""),
    }
}

/// The role of a span.
pub(crate) fn kind(what: &What) -> SpanKind {
    match what {
        What::Named(_, kind) => *kind,
        What::Function(_) | What::Late => SpanKind::Internal,
    }
}

pub(super) fn encode<'a>(
    (record, span, clock): (&Record, &Span, UnixClock),
    common: &Common<'_>,
    fields: impl Iterator<Item = &'a Field>,
    prepared: &mut Prepared,
    to: &mut Vec<u8>,
) {
    let place = Place {
        id: span.id,
        parent: span.parent,
        parent_is_remote: false,
        start_unix_nanos: clock.unix_nanos(span.start),
        end_unix_nanos: end_unix_nanos(span, clock),
    };
    wire_span::push(to, common, &place, |to| {
        let start = match &span.what {
            What::Function(callsite) => prepared.function(callsite).push(to),
            What::Named(name, kind) => {
                wire_span::push_name(to, &[name], *kind);
                to.len()
            }
            What::Late => {
                wire_span::push_name(to, &[], SpanKind::Internal);
                to.len()
            }
        };
        if let Some(error) = span.error.as_deref() {
            let tag = ATTRIBUTES;
            of_error(error, &mut Encoded { to, tag });
        }
        fields::push(to, start, fields);
        if let Some(error) = exception(record, span) {
            wire_span::push_event(to, EXCEPTION, place.end_unix_nanos, |to| {
                let tag = EVENT_ATTRIBUTES;
                of_exception(error, &mut Encoded { to, tag });
            });
        }
        wire_span::push_status(to, span.error.as_ref().map(|error| &*error.message));
    });
}

/// The end of a span; zero if it has not ended.
pub(crate) fn end_unix_nanos(span: &Span, clock: UnixClock) -> u64 {
    if span.end == 0 {
        0
    } else {
        clock.unix_nanos(span.end)
    }
}
