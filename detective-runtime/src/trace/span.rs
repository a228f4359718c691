//! A span while it is open: begun in the current record, ended in it, or late on its own.

use std::borrow::Cow;
use std::num::NonZeroU64;

use crate::callsite::Callsite;
use crate::clock;
use crate::export::SpanKind;
use crate::instance;
use crate::metrics::DropReason;
use crate::record::{self, Field, Kind, Owner, Record, Span, SpanError, UniqueRecord, What};
use crate::trace::context::{self, Place, Scope};
use crate::value::Value;

/// An open span; what records nothing has none. It says nothing by itself: whoever holds it must
/// [`end`](OpenSpan::end) it.
///
/// It remembers enough to be exported on its own, for the case that it ends after its record did or
/// on a thread that does not have it. It is moved several times on its way, and therefore small.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    /// The record that it belongs to.
    serial: NonZeroU64,
    callsite: Option<&'static Callsite>,
    start: u64,
    /// The error that was noted by hand so far, while the span is not the current one.
    marked: Option<Box<SpanError>>,
    /// Its place in the record; `None` when the config leaves the span out, or there was no room.
    index: Option<u32>,
    /// The number of the instance that its record belongs to.
    instance: u32,
    is_handler: bool,
}

/// What was current before a span was.
#[derive(Debug, Default)]
pub(crate) struct Outer {
    current: Option<u32>,
    marked: Option<Box<SpanError>>,
}

impl Outer {
    /// Makes it current again; gives back the error that was marked meanwhile.
    #[inline]
    fn put_back(self, record: &mut Record) -> Option<Box<SpanError>> {
        record.current = self.current;
        std::mem::replace(&mut record.marked, self.marked)
    }
}

/// How a span ended.
#[derive(Debug)]
pub(crate) enum End {
    /// What it stands for came to its end.
    Completed,
    /// The function was dropped before it returned.
    Dropped,
    /// A panic went through it.
    Panicked,
    /// It failed.
    Failed(Box<SpanError>),
}

/// The `error.type` of a panic.
const PANIC: &str = "panic";

impl OpenSpan {
    /// Begins the span of an investigated function. The second value is a record of its own, when the
    /// function runs outside of everything.
    #[inline]
    pub(crate) fn function(callsite: &'static Callsite) -> (Option<Self>, Option<UniqueRecord>) {
        let span = context::with_scope(|scope| match scope {
            Scope::Record(record) => Self::function_in(record, callsite),
            Scope::Excluded(_) => None,
        });
        match span {
            Some(span) => (span, None),
            None if instance::is_any_on() => Self::function_outside(callsite),
            None => (None, None),
        }
    }

    #[cold]
    fn function_outside(callsite: &'static Callsite) -> (Option<Self>, Option<UniqueRecord>) {
        let instance = match context::place() {
            Place::Outside => instance::current().filter(|instance| !instance.is_off()),
            Place::Recorded | Place::Excluded => None,
        };
        let Some(mut record) = instance.map(|instance| instance.begin(Kind::Work)) else {
            return (None, None);
        };
        let span = Self::function_in(&mut record, callsite);
        (span, Some(record))
    }

    // Not inlined, so that a call which is not recorded pays for none of it.
    #[inline(never)]
    fn function_in(record: &mut Record, callsite: &'static Callsite) -> Option<Self> {
        let owner = record.owner.as_ref()?;
        let is_recorded = owner.snapshot.function(callsite).spans;
        let mut span = Self::inside(record)?;
        span.callsite = Some(callsite);
        span.is_handler = is_handler(record);
        if span.is_handler {
            if record.handler.is_some() {
                demote_handler(record);
            }
            record.handler = Some(callsite);
        }
        if is_recorded {
            span.begin(record, || What::Function(callsite));
        }
        record.wants_fields = span.is_recorded();
        Some(span)
    }

    /// Begins a span with a name of its own; there is none outside a record.
    pub(crate) fn named(name: Cow<'static, str>, kind: SpanKind) -> Option<Self> {
        Self::named_by(|| name, kind)
    }

    /// Begins such a span, with a name that is only made when it is recorded. Making it must not
    /// begin a span.
    pub(crate) fn named_by(
        name: impl FnOnce() -> Cow<'static, str>,
        kind: SpanKind,
    ) -> Option<Self> {
        context::with_record(|record| {
            let owner = record.owner.as_ref()?;
            let limit = owner.snapshot.config.capture.max_text_bytes;
            let mut span = Self::inside(record)?;
            span.begin(record, || {
                let mut name = name();
                truncate_owned(&mut name, limit);
                What::Named(name, kind)
            });
            Some(span)
        })
        .flatten()
    }

    /// A span that belongs to `record`, but is not among its spans yet.
    #[inline(always)]
    fn inside(record: &Record) -> Option<Self> {
        Some(Self {
            serial: NonZeroU64::new(record.serial)?,
            callsite: None,
            start: clock::now(),
            marked: None,
            index: None,
            instance: record.owner.as_ref()?.instance.number,
            is_handler: false,
        })
    }

    /// Takes its place in the record, if the trace is recorded and there is room.
    #[inline(always)]
    fn begin(&mut self, record: &mut Record, what: impl FnOnce() -> What) {
        let Some(owner) = record.owner.as_ref().filter(|_| record.trace.trace_id != 0) else {
            return;
        };
        if record.spans.len() >= owner.snapshot.config.tracing.max_spans {
            owner.instance.stats.dropped(DropReason::SpanLimit, 1);
            record.dropped_spans += 1;
            return;
        }
        let index = record.spans.len() as u32;
        self.index = Some(index);
        record.spans.push(Span {
            id: self.id(index),
            parent: record.current_span_id(),
            start: self.start,
            end: 0,
            what: what(),
            error: None,
        });
        record.open_spans += 1;
    }

    /// The id of the span at this place of the record. The record's serial is random, and so are the
    /// numbers that follow it: there is no need to draw another one for each span.
    fn id(&self, index: u32) -> u64 {
        self.serial.get() + u64::from(index) + 1
    }

    /// Whether fields that are set on it go anywhere.
    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        self.index.is_some()
    }

    /// Its id, when `record` has it.
    pub(crate) fn id_in(&self, record: &Record) -> Option<u64> {
        let index = self.index.filter(|_| self.serial.get() == record.serial)?;
        Some(self.id(index))
    }

    /// Makes it the span that others begin in, and that errors are noted on. Gives back what was.
    #[inline]
    pub(crate) fn activate(&mut self) -> Outer {
        let Self { index, marked, .. } = self;
        in_record(self.serial, |record| Outer {
            current: match index {
                Some(_) => std::mem::replace(&mut record.current, *index),
                None => record.current,
            },
            marked: std::mem::replace(&mut record.marked, marked.take()),
        })
        .unwrap_or_default()
    }

    /// Undoes [`activate`](Self::activate).
    #[inline]
    pub(crate) fn deactivate(&mut self, outer: Outer) {
        in_record(self.serial, |record| {
            self.marked = outer.put_back(record);
        });
    }

    /// Undoes [`activate`](Self::activate) and ends it.
    #[inline]
    pub(crate) fn deactivate_and_end(mut self, outer: Outer, how: End) {
        let end = clock::now();
        self.end_at(end, how, |span, record| {
            span.marked = outer.put_back(record)
        });
    }

    /// Sets a field.
    pub(crate) fn set(&self, key: Cow<'static, str>, value: Value) {
        if self.is_recorded() {
            in_record(self.serial, |record| {
                set_field(record, self.index, key, value);
            });
        }
    }

    /// Ends a span that is not the current one.
    pub(crate) fn end(mut self, how: End) {
        self.end_at(clock::now(), how, |_, _| ());
    }

    #[inline(always)]
    fn end_at(&mut self, end: u64, how: End, first: impl FnOnce(&mut Self, &mut Record)) {
        let mut how = Some(how);
        in_record(self.serial, |record| {
            first(self, record);
            if let Some(how) = how.take() {
                self.end_in(record, end, how);
            }
        });
        // The record is not at hand.
        if let Some(how) = how {
            self.end_late(end, how);
        }
    }

    #[inline(always)]
    fn end_in(&mut self, record: &mut Record, end: u64, how: End) {
        let Some(owner) = &record.owner else { return };
        let is_dropped = matches!(how, End::Dropped);
        let is_panic = matches!(how, End::Panicked);
        let error = self.error(how, &record.panic_message, owner);
        if self.is_handler {
            record.handler_dropped |= is_dropped;
            // A panic further down may still be caught by the handler.
            record.panicked |= is_panic;
            record.handler_nanos = Some(end.saturating_sub(self.start));
            note_failure(record, error.as_deref());
        } else {
            self.observe(owner, end, error.is_some());
        }
        let span = self
            .index
            .and_then(|index| record.spans.get_mut(index as usize));
        if let Some(span) = span {
            span.end = end;
            span.error = error;
            record.open_spans -= 1;
        }
    }

    /// Sends the end after the record, which is elsewhere or was handed over already. The name and
    /// the fields are in there.
    #[cold]
    fn end_late(&mut self, end: u64, how: End) {
        let Some(instance) = instance::running(self.instance) else {
            return;
        };
        let mut record = instance.begin(Kind::Detached);
        let mut error = None;
        if let Some(owner) = &record.owner {
            error = self.error(how, "", owner);
            if !self.is_handler {
                self.observe(owner, end, error.is_some());
            }
        }
        let Some(index) = self.index else {
            return instance.hand_over.give_back(record);
        };
        record.origin = self.serial.get();
        record.spans.push(Span {
            id: self.id(index),
            parent: 0,
            start: self.start,
            end,
            what: What::Late,
            error,
        });
        super::finish(record);
    }

    /// What went wrong, as far as the config wants it told.
    #[inline(always)]
    fn error(&mut self, how: End, panic_message: &str, owner: &Owner) -> Option<Box<SpanError>> {
        let mut error = match how {
            End::Completed | End::Dropped => self.marked.take()?,
            End::Failed(error) => error,
            End::Panicked => Box::new(SpanError {
                error_type: Cow::Borrowed(PANIC),
                message: panic_message.to_owned(),
            }),
        };
        cut_off(&mut error, owner);
        Some(error)
    }

    #[inline(always)]
    fn observe(&self, owner: &Owner, end: u64, failed: bool) {
        if let Some(callsite) = self.callsite {
            observe(owner, callsite, end.saturating_sub(self.start), failed);
        }
    }
}

/// Calls `action` with the record of this serial, if this thread has it at hand.
#[inline(always)]
fn in_record<R>(serial: NonZeroU64, action: impl FnOnce(&mut Record) -> R) -> Option<R> {
    context::with_record(|record| (record.serial == serial.get()).then(|| action(record))).flatten()
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
