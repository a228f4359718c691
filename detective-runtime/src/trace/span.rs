//! An open span: it begins in the current record, and ends in that record or later on its own.

use std::borrow::Cow;
use std::num::NonZeroU64;

use crate::attribute::Callsite;
use crate::clock;
use crate::export::SpanKind;
use crate::metrics::DropReason;
use crate::record;
use crate::record::{Field, Kind, Owner, Record, Span, SpanError, UniqueRecord, What, running};
use crate::trace::context::{self, Place, Scope};
use crate::value::Value;

/// An open span. Dropping it does nothing: its owner must [`end`](OpenSpan::end) it.
///
/// It stores enough to be exported on its own, in case it ends after its record or on a thread that
/// does not have the record. It is kept small because it is moved several times.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    /// The record that it belongs to.
    serial: NonZeroU64,
    callsite: Option<&'static Callsite>,
    start: u64,
    /// The error marked by hand so far, while this span is not the current one.
    marked: Option<Box<SpanError>>,
    /// Its index in the record; `None` when the config leaves the span out, or the record was full.
    index: Option<u32>,
    /// The number of the instance that its record belongs to.
    instance: u32,
    is_handler: bool,
}

/// The span state that was current before a span became current.
#[derive(Debug, Default)]
pub(crate) struct Outer {
    current: Option<u32>,
    marked: Option<Box<SpanError>>,
}

impl Outer {
    /// Restores it, and returns the error that was marked meanwhile.
    #[inline]
    fn put_back(self, record: &mut Record) -> Option<Box<SpanError>> {
        record.current = self.current;
        std::mem::replace(&mut record.marked, self.marked)
    }
}

/// How a span ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The function returned, or the work was completed.
    Completed,
    /// The function was dropped before it returned.
    Dropped,
    /// A panic went through it.
    Panicked,
    Failed(Box<SpanError>),
}

/// The `error.type` of a panic.
const PANIC: &str = "panic";

impl OpenSpan {
    /// Begins the span of an investigated function. The second value is a new record, when the function
    /// runs outside any scope.
    #[inline]
    pub(crate) fn function(callsite: &'static Callsite) -> (Option<Self>, Option<UniqueRecord>) {
        let span = context::with_scope(|scope| match scope {
            Scope::Record(record) => Self::function_in(record, callsite),
            Scope::Excluded(_) => None,
        });
        match span {
            Some(span) => (span, None),
            None if running::is_any_on() => Self::function_outside(callsite),
            None => (None, None),
        }
    }

    #[cold]
    fn function_outside(callsite: &'static Callsite) -> (Option<Self>, Option<UniqueRecord>) {
        let instance = match context::place() {
            Place::Outside => running::current().filter(|instance| !instance.is_off()),
            Place::Recorded | Place::Excluded => None,
        };
        let Some(mut record) = instance.map(|instance| instance.begin(Kind::Work)) else {
            return (None, None);
        };
        let span = Self::function_in(&mut record, callsite);
        (span, Some(record))
    }

    // Not inlined, so that an unrecorded call pays nothing for it.
    #[inline(never)]
    fn function_in(record: &mut Record, callsite: &'static Callsite) -> Option<Self> {
        let is_recorded = record.owner.snapshot.function(callsite).spans;
        let mut span = Self::inside(record)?;
        span.callsite = Some(callsite);
        span.is_handler = is_handler(record);
        if span.is_handler {
            if record.handler.callsite.is_some() {
                demote_handler(record);
            }
            record.handler.callsite = Some(callsite);
        }
        if is_recorded {
            span.begin(record, || What::Function(callsite));
        }
        record.wants_fields = span.is_recorded();
        Some(span)
    }

    /// Begins a span with its own name; `None` outside a record.
    pub(crate) fn named(name: Cow<'static, str>, kind: SpanKind) -> Option<Self> {
        Self::named_by(|| name, kind)
    }

    /// The same, with a name that is made only when the span is recorded. `name` must not begin a
    /// span.
    pub(crate) fn named_by(
        name: impl FnOnce() -> Cow<'static, str>,
        kind: SpanKind,
    ) -> Option<Self> {
        context::with_record(|record| {
            let limit = record.owner.snapshot.config.capture.max_text_bytes;
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

    /// A span that belongs to `record` but is not in its list yet.
    #[inline(always)]
    fn inside(record: &Record) -> Option<Self> {
        Some(Self {
            serial: NonZeroU64::new(record.serial)?,
            callsite: None,
            start: clock::now(),
            marked: None,
            index: None,
            instance: record.owner.instance.number,
            is_handler: false,
        })
    }

    /// Adds the span to the record, if the trace is recorded and the record has room.
    #[inline(always)]
    fn begin(&mut self, record: &mut Record, what: impl FnOnce() -> What) {
        if record.trace.trace_id == 0 {
            return;
        }
        let owner = &record.owner;
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

    /// The id of the span at this index. The record's serial is random, and so are the numbers that
    /// follow it, so spans need no random numbers of their own.
    fn id(&self, index: u32) -> u64 {
        self.serial.get() + u64::from(index) + 1
    }

    /// Whether fields set on it are recorded.
    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        self.index.is_some()
    }

    /// Its id, if it belongs to `record` and is recorded.
    pub(crate) fn id_in(&self, record: &Record) -> Option<u64> {
        let index = self.index.filter(|_| self.serial.get() == record.serial)?;
        Some(self.id(index))
    }

    /// Makes it the parent of new spans and the target of marked errors. Returns the previous
    /// state.
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

    /// Undoes [`activate`](Self::activate) and ends the span.
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

    /// Ends a span that is not current.
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
        // This thread does not have the record.
        if let Some(how) = how {
            self.end_late(end, how);
        }
    }

    #[inline(always)]
    fn end_in(&mut self, record: &mut Record, end: u64, how: End) {
        let owner = &record.owner;
        let is_dropped = matches!(how, End::Dropped);
        let is_panic = matches!(how, End::Panicked);
        let error = self.error(how, &record.panic_message, owner);
        if self.is_handler {
            record.handler.dropped |= is_dropped;
            // The handler may still catch a panic in a function that it calls.
            record.handler.panicked |= is_panic;
            record.handler.nanos = Some(end.saturating_sub(self.start));
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

    /// Queues the end in a record of its own, since the span's record is elsewhere or already
    /// queued. The name and the fields are in the span's record.
    #[cold]
    fn end_late(&mut self, end: u64, how: End) {
        let Some(instance) = running::with_number(self.instance) else {
            return;
        };
        let mut record = instance.begin(Kind::Detached);
        let error = self.error(how, "", &record.owner);
        if !self.is_handler {
            self.observe(&record.owner, end, error.is_some());
        }
        let Some(index) = self.index else {
            return instance.records.give_back(record);
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

    /// The error that is recorded, as far as the config allows.
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

/// Calls `action` with the record of this serial, if it is current on this thread.
#[inline(always)]
fn in_record<R>(serial: NonZeroU64, action: impl FnOnce(&mut Record) -> R) -> Option<R> {
    context::with_record(|record| (record.serial == serial.get()).then(|| action(record))).flatten()
}

/// Whether a function that begins now is taken for the handler: the last outermost one that begins
/// before the response head. Extractors and middleware may call investigated functions before it.
fn is_handler(record: &Record) -> bool {
    record.kind == Kind::Request
        && record.current.is_none()
        && record.response.head == 0
        && (record.handler.callsite.is_none() || record.handler.nanos.is_some())
}

/// The function that was taken for the handler turned out not to be: counts it as an ordinary one.
fn demote_handler(record: &mut Record) {
    let demoted = std::mem::take(&mut record.handler);
    if let (Some(callsite), Some(nanos)) = (demoted.callsite, demoted.nanos) {
        observe(&record.owner, callsite, nanos, demoted.failed);
    }
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

/// Stores in a request whether its handler failed, and why.
fn note_failure(record: &mut Record, error: Option<&SpanError>) {
    record.handler.failed = error.is_some();
    let message = error.map(|error| &error.message);
    record.handler.error = message.filter(|message| !message.is_empty()).cloned();
}

/// Stores in a request the error that was marked outside every investigated function. An error of
/// the handler takes precedence.
pub(crate) fn settle_mark(record: &mut Record) {
    let Some(mut error) = record.marked.take() else {
        return;
    };
    if !record.handler.failed {
        cut_off(&mut error, &record.owner);
        note_failure(record, Some(&error));
    }
}

/// Cuts an error's text to the length that the config allows.
fn cut_off(error: &mut SpanError, owner: &Owner) {
    let capture = &owner.snapshot.config.capture;
    let limit = if capture.error {
        capture.max_text_bytes
    } else {
        0
    };
    record::truncate(&mut error.message, limit);
}

/// Sets a field on a span of `record`; `None`: on the record's own span.
pub(crate) fn set_field(
    record: &mut Record,
    span: Option<u32>,
    mut key: Cow<'static, str>,
    mut value: Value,
) {
    let owner = &record.owner;
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

/// Cuts a text that was made at run time. A text from the source code is as long as its author
/// wanted.
fn truncate_owned(text: &mut Cow<'static, str>, limit: usize) {
    if let Cow::Owned(text) = text {
        record::truncate(text, limit);
    }
}
