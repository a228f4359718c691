//! A span while it is open: begun in the current record, ended in it, or late on its own.

use std::borrow::Cow;

use crate::callsite::Callsite;
use crate::clock;
use crate::export::SpanKind;
use crate::instance;
use crate::metrics::DropReason;
use crate::record::{self, Field, Kind, Owner, Record, Span, SpanError, Trace, What};
use crate::trace::context::{self, Place, Scope};
use crate::value::Value;

/// An open span. It says nothing by itself: whoever holds it must call [`end`](OpenSpan::end).
///
/// It remembers enough to be exported on its own, for the case that it ends after its record did or
/// on a thread that does not have it.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    callsite: Option<&'static Callsite>,
    start: u64,
    /// The number of the instance that its record belongs to.
    instance: u32,
    /// The record that it belongs to; zero when there is none and the span is inert.
    serial: u64,
    /// Its place in the record; `None` when the config leaves the span out, or there was no room.
    index: Option<u32>,
    is_handler: bool,
    has_ended: bool,
    trace: Trace,
    id: u64,
    /// The error that was noted by hand so far, while the span is not the current one.
    marked: Option<Box<SpanError>>,
}

/// What was current before a span was.
#[derive(Debug, Default)]
pub(crate) struct Outer {
    current: Option<u32>,
    marked: Option<Box<SpanError>>,
}

/// How a span ended.
#[derive(Debug)]
pub(crate) enum End {
    /// What it stands for came to its end.
    Completed,
    /// The function was dropped before it returned.
    Dropped,
    /// It failed; [`PANIC`] as the error's type means a panic.
    Failed(SpanError),
}

/// The `error.type` of a panic.
pub(crate) const PANIC: &str = "panic";

impl OpenSpan {
    /// A span that records nothing.
    pub(crate) const INERT: Self = Self {
        callsite: None,
        start: 0,
        instance: 0,
        serial: 0,
        index: None,
        is_handler: false,
        has_ended: false,
        trace: Trace::NONE,
        id: 0,
        marked: None,
    };

    /// Begins the span of an investigated function. The second value is the scope of a record of its
    /// own, when the function runs outside of everything.
    pub(crate) fn function(callsite: &'static Callsite) -> (Self, Option<Scope>) {
        if let Some(span) = context::with_record(|record| Self::function_in(record, callsite)) {
            return (span, None);
        }
        if context::place() == Place::Excluded {
            return (Self::INERT, None);
        }
        let Some(mut record) = instance::current().map(|instance| instance.begin_now(Kind::Work))
        else {
            return (Self::INERT, None);
        };
        let span = Self::function_in(&mut record, callsite);
        (span, Some(Scope::Record(record)))
    }

    fn function_in(record: &mut Record, callsite: &'static Callsite) -> Self {
        let is_handler = is_handler(record);
        if is_handler {
            demote_handler(record);
            record.handler = Some(callsite);
        }
        let is_recorded = record
            .owner
            .as_ref()
            .is_some_and(|owner| owner.snapshot.function(callsite).spans);
        let mut span = Self::inside(record);
        if is_recorded {
            span.begin(record, || What::Function(callsite));
        }
        span.callsite = Some(callsite);
        span.is_handler = is_handler;
        span
    }

    /// Begins a span with a name of its own, or an inert one outside a record.
    pub(crate) fn named(name: Cow<'static, str>, kind: SpanKind) -> Self {
        Self::named_by(|| name, kind)
    }

    /// Begins such a span, with a name that is only made when it is recorded. Making it must not
    /// begin a span.
    pub(crate) fn named_by(name: impl FnOnce() -> Cow<'static, str>, kind: SpanKind) -> Self {
        context::with_record(|record| {
            let owner = record.owner.as_ref();
            let limit = owner.map_or(0, |owner| owner.snapshot.config.capture.max_text_bytes);
            let named = || {
                let mut name = name();
                truncate_owned(&mut name, limit);
                What::Named(name, kind)
            };
            let mut span = Self::inside(record);
            span.begin(record, named);
            span
        })
        .unwrap_or(Self::INERT)
    }

    /// A span that belongs to `record`, but is not among its spans yet.
    fn inside(record: &Record) -> Self {
        Self {
            start: clock::now(),
            instance: record
                .owner
                .as_ref()
                .map_or(0, |owner| owner.instance.number),
            serial: record.serial,
            ..Self::INERT
        }
    }

    /// Takes its place in the record, if the trace is recorded and there is room.
    fn begin(&mut self, record: &mut Record, what: impl FnOnce() -> What) {
        let Some(owner) = record.owner.as_ref().filter(|_| record.trace.trace_id != 0) else {
            return;
        };
        if record.spans.len() >= owner.snapshot.config.tracing.max_spans {
            owner.instance.stats.dropped(DropReason::SpanLimit, 1);
            record.dropped_spans += 1;
            return;
        }
        let parent = record.current_span_id();
        self.id = super::id::span_id();
        self.trace = Trace {
            span_id: parent,
            ..record.trace
        };
        self.index = u32::try_from(record.spans.len()).ok();
        record.spans.push(Span {
            id: self.id,
            parent,
            start: self.start,
            end: 0,
            what: what(),
            error: None,
        });
        record.open_spans += 1;
    }

    /// Whether fields that are set on it go anywhere.
    pub(crate) fn is_recorded(&self) -> bool {
        self.index.is_some()
    }

    /// The trace it belongs to, with the span itself as the place where others attach.
    pub(crate) fn as_parent(&self) -> Option<Trace> {
        self.is_recorded().then_some(Trace {
            span_id: self.id,
            ..self.trace
        })
    }

    /// Makes it the span that others begin in, and that errors are noted on. Gives back what was.
    pub(crate) fn activate(&mut self) -> Outer {
        let marked = self.marked.take();
        self.in_record(|record| {
            let current = record.current;
            record.current = self.index.or(current);
            Outer {
                current,
                marked: std::mem::replace(&mut record.marked, marked),
            }
        })
        .unwrap_or_default()
    }

    /// Undoes [`activate`](Self::activate).
    pub(crate) fn deactivate(&mut self, outer: Outer) {
        self.marked = self
            .in_record(|record| {
                record.current = outer.current;
                std::mem::replace(&mut record.marked, outer.marked)
            })
            .flatten();
    }

    /// Sets a field.
    pub(crate) fn set(&self, key: Cow<'static, str>, value: Value) {
        if self.is_recorded() {
            self.in_record(|record| set_field(record, self.index, key, value));
        }
    }

    /// Ends it; a second call does nothing.
    pub(crate) fn end(&mut self, how: End) {
        if self.serial == 0 || std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let end = clock::now();
        let (error, dropped) = match how {
            End::Completed => (self.take_marked(), false),
            End::Dropped => (self.take_marked(), true),
            End::Failed(error) => (Some(error), false),
        };
        // Handed into the record if that is still at hand, and else sent after it.
        let mut error = Some(error);
        self.in_record(|record| self.end_in(record, end, error.take().flatten(), dropped));
        if let Some(error) = error {
            self.end_late(end, error);
        }
    }

    fn take_marked(&mut self) -> Option<SpanError> {
        self.marked.take().map(|error| *error)
    }

    fn end_in(&self, record: &mut Record, end: u64, mut error: Option<SpanError>, dropped: bool) {
        let Some(owner) = &record.owner else { return };
        if let Some(error) = &mut error {
            if error.error_type == PANIC {
                // A panic further down may still be caught by the handler.
                record.panicked |= self.is_handler;
                error.message.push_str(&record.panic_message);
            }
            cut_off(error, owner);
        }
        if self.is_handler {
            record.handler_dropped |= dropped;
            record.handler_nanos = Some(end.saturating_sub(self.start));
            note_failure(record, error.as_ref());
        } else {
            self.observe(owner, end, error.is_some());
        }
        let span = self
            .index
            .and_then(|index| record.spans.get_mut(index as usize));
        if let Some(span) = span {
            span.end = end;
            span.error = error.map(Box::new);
            record.open_spans -= 1;
        }
    }

    /// Sends the end after the record, which is elsewhere or was handed over already. The name and
    /// the fields are in there.
    fn end_late(&self, end: u64, mut error: Option<SpanError>) {
        let Some(instance) = instance::running(self.instance) else {
            return;
        };
        let mut record = instance.begin_now(Kind::Detached);
        if let Some(owner) = &record.owner {
            if let Some(error) = &mut error {
                cut_off(error, owner);
            }
            if !self.is_handler {
                self.observe(owner, end, error.is_some());
            }
        }
        if !self.is_recorded() {
            return instance.hand_over.give_back(record);
        }
        record.trace = self.trace;
        record.origin = self.serial;
        record.spans.push(Span {
            id: self.id,
            parent: self.trace.span_id,
            start: self.start,
            end,
            what: What::Late,
            error: error.map(Box::new),
        });
        super::finish(record);
    }

    fn observe(&self, owner: &Owner, end: u64, failed: bool) {
        if let Some(callsite) = self.callsite {
            observe(owner, callsite, end.saturating_sub(self.start), failed);
        }
    }

    /// Calls `action` with the span's record, if this thread has it at hand.
    fn in_record<R>(&self, action: impl FnOnce(&mut Record) -> R) -> Option<R> {
        context::with_record(|record| (record.serial == self.serial).then(|| action(record)))
            .flatten()
    }
}

/// Whether a function that begins now is the one that answers the request: the last outermost one to
/// begin before the answer. Extractors and middlewares may call investigated functions before it.
fn is_handler(record: &Record) -> bool {
    record.kind == Kind::Request
        && record.current.is_none()
        && record.response.head == 0
        && (record.handler.is_none() || record.handler_nanos.is_some())
}

/// Makes the function that was taken for the handler an ordinary one, which it has turned out to be.
fn demote_handler(record: &mut Record) {
    if let (Some(callsite), Some(nanos), Some(owner)) = (
        record.handler.take(),
        record.handler_nanos.take(),
        &record.owner,
    ) {
        observe(owner, callsite, nanos, record.failed);
    }
    record.handler_dropped = false;
    record.panicked = false;
    record.failed = false;
    record.error = None;
}

/// Counts the call of an investigated function.
fn observe(owner: &Owner, callsite: &'static Callsite, nanos: u64, failed: bool) {
    let cells = if owner.snapshot.function(callsite).histogram {
        owner.instance.function(callsite)
    } else {
        owner.instance.quiet_function(callsite)
    };
    if let Some(cells) = cells {
        cells.observe(nanos, failed);
    }
}

/// Notes on a request that its handler failed, if it did.
fn note_failure(record: &mut Record, error: Option<&SpanError>) {
    record.failed = error.is_some();
    let message = error.map(|error| &error.message);
    record.error = message.filter(|message| !message.is_empty()).cloned();
}

/// Notes on a request the error that was marked outside of every investigated function. What its
/// handler said comes first.
pub(crate) fn settle_mark(record: &mut Record) {
    let Some(mut error) = record.marked.take() else {
        return;
    };
    if let Some(owner) = &record.owner
        && !record.failed
    {
        cut_off(&mut error, owner);
        note_failure(record, Some(&error));
    }
}

/// Keeps as much of an error's text as the config wants.
fn cut_off(error: &mut SpanError, owner: &Owner) {
    let capture = &owner.snapshot.config.capture;
    let limit = if capture.error {
        capture.max_text_bytes
    } else {
        0
    };
    record::truncate(&mut error.message, limit);
}

/// Sets a field on a span of `record`; `None`: on the record's own.
pub(crate) fn set_field(
    record: &mut Record,
    span: Option<u32>,
    mut key: Cow<'static, str>,
    mut value: Value,
) {
    let Some(owner) = &record.owner else { return };
    let config = &owner.snapshot.config;
    if record.fields.len() >= config.tracing.max_fields {
        owner.instance.stats.dropped(DropReason::FieldLimit, 1);
        return;
    }
    let limit = config.capture.max_text_bytes;
    truncate_owned(&mut key, limit);
    match &mut value {
        Value::Text(text) => truncate_owned(text, limit),
        Value::TextList(texts) => {
            for text in texts {
                record::truncate(text, limit);
            }
        }
        Value::Bool(_) | Value::I64(_) | Value::F64(_) => {}
    }
    record.fields.push(Field { span, key, value });
}

/// Cuts off a text that was made at run time; one that stands in the program is as long as its author
/// wanted.
fn truncate_owned(text: &mut Cow<'static, str>, limit: usize) {
    if let Cow::Owned(text) = text {
        record::truncate(text, limit);
    }
}
