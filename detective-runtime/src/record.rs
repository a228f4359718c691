//! One record: a request from its first byte to its last, or a piece of work outside any request.
//!
//! The row, the roll-ups, the spans and the analytics all come from this one value. It is filled on
//! the request's thread, handed over to the pipeline thread when the request ends, and emptied there
//! for the next request, so that in the long run recording allocates nothing, as long as the sinks
//! keep up.

mod texts;
mod unique;

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Version};

use crate::callsite::Callsite;
use crate::export::SpanKind;
use crate::http::Slot;
use crate::instance::Instance;
use crate::metrics::Scheme;
use crate::rules::Snapshot;
use crate::store::Outcome;
use crate::trace::{self, FLAG_RANDOM, FLAG_SAMPLED, PassedOn, Ratio};
use crate::value::Value;

pub(crate) use texts::{HeadText, HeadTexts};
pub(crate) use unique::{SharedRecord, UniqueRecord};

/// Longest run of spans that a recycled record keeps room for.
const SPANS_KEPT_FOR_REUSE: usize = 256;

/// Longest text, in bytes, that a recycled record keeps room for.
const TEXT_KEPT_FOR_REUSE: usize = 1024;

/// Everything that is known of one request or piece of work.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The instance it belongs to, and the rules that held when it began. `None` only before it was
    /// first used: a record that is used again mostly finds the same ones, and counts no reference.
    pub(crate) owner: Option<Owner>,
    /// Tells this use of the record from every other one. Its spans have the ids that follow.
    pub(crate) serial: u64,
    /// The shard of the hand-over that it came from and is given back to.
    pub(crate) home: usize,
    pub(crate) kind: Kind,
    pub(crate) trace: Trace,
    /// When it began and ended, by [`crate::clock::now`].
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The spans in the order in which they began.
    pub(crate) spans: Vec<Span>,
    /// The fields of all spans.
    pub(crate) fields: Vec<Field>,
    /// Index of the span that is open at this moment; `None`: the record's own.
    pub(crate) current: Option<u32>,
    /// Whether the function that has just begun wants to add its fields to the span that is open.
    pub(crate) wants_fields: bool,
    pub(crate) dropped_spans: u32,
    /// How many of the spans have not ended.
    pub(crate) open_spans: u32,
    /// Whether work was detached from it, which will share its fate.
    pub(crate) has_detached: bool,
    /// For detached work: the serial of the record that it was detached from.
    pub(crate) origin: u64,
    /// What is known of the request; left as it is for work outside one.
    pub(crate) request: Request,
    pub(crate) response: Response,
    /// The investigated function that answers the request.
    pub(crate) handler: Option<&'static Callsite>,
    /// The handler's span was dropped before the function returned.
    pub(crate) handler_dropped: bool,
    /// How long the handler took, once it has ended.
    pub(crate) handler_nanos: Option<u64>,
    /// The handler returned an error, or one was marked by hand, whatever was answered.
    pub(crate) failed: bool,
    /// The text of that error.
    pub(crate) error: Option<String>,
    /// The error marked by hand in the function that runs at this moment, until that has ended.
    pub(crate) marked: Option<Box<SpanError>>,
    /// An investigated function panicked; whoever called it may have recovered.
    pub(crate) panicked: bool,
    /// A panic went through the layer itself, so that there is no answer.
    pub(crate) unwound: bool,
    /// The text of the last panic; empty without one.
    pub(crate) panic_message: String,
    /// Set by the application, to tell its own customers apart.
    pub(crate) consumer: String,
}

/// What a record belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) instance: Arc<Instance>,
    pub(crate) snapshot: Arc<Snapshot>,
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// A request: it becomes a row, and its first span is the server's.
    #[default]
    Request,
    /// An investigated function that ran outside any request: its span is a root.
    Work,
    /// Work that belongs to a trace whose record is elsewhere: spawned, or ended late.
    Detached,
}

/// The place in the trace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trace {
    pub(crate) trace_id: u128,
    /// The parent of the record's outermost spans: the server span, or for detached work the span
    /// that it was spawned in. Zero for work outside any request, whose first span is the root.
    pub(crate) span_id: u64,
    /// The server span's parent; zero for none.
    pub(crate) parent_span_id: u64,
    /// W3C flags that are sent downstream.
    pub(crate) flags: u8,
    /// Whether the trace came from elsewhere, and whether it was sampled there.
    pub(crate) parent: Parent,
}

/// What the caller's `traceparent` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Parent {
    /// There was none: the trace begins here.
    #[default]
    None,
    /// The caller keeps the trace, so it is kept here.
    Sampled,
    /// The caller does not keep the trace.
    NotSampled,
}

/// The request's side.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The (method, route) that counts this request. Work outside one has none, whatever the
    /// record was used for before.
    pub(crate) slot: Option<Arc<Slot>>,
    /// What was copied from its head.
    pub(crate) texts: HeadTexts,
    /// The trace that it came with, when it is not traced here.
    pub(crate) passed_on: PassedOn,
    pub(crate) https: bool,
    pub(crate) version: Option<Version>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: crate::http::RequestBytes,
}

/// The response's side.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// Zero until a head was sent.
    pub(crate) status: u16,
    /// When the head was ready, by [`crate::clock::now`]; zero until then.
    pub(crate) head: u64,
    pub(crate) bytes: u64,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// An upgraded connection or an event stream, whose length is not a latency.
    pub(crate) endless: bool,
    /// Known when the record is finished.
    pub(crate) outcome: Option<Outcome>,
}

/// One span below the record's own.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) start: u64,
    /// Zero while it is open.
    pub(crate) end: u64,
    pub(crate) what: What,
    /// Boxed, since most spans have none.
    pub(crate) error: Option<Box<SpanError>>,
}

/// What a span stands for.
#[derive(Debug)]
pub(crate) enum What {
    /// An investigated function.
    Function(&'static Callsite),
    /// Anything else, named at run time.
    Named(Cow<'static, str>, SpanKind),
    /// The end of a span that had not ended when its own record was handed over.
    Late,
}

/// Why a span failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SpanError {
    /// Low-cardinality: `panic`, a status code, or the error's type.
    pub(crate) error_type: Cow<'static, str>,
    /// May be empty, when the type says it all.
    pub(crate) message: String,
}

/// A field of one span.
#[derive(Debug)]
pub(crate) struct Field {
    /// Index of the span; `None`: the record's own.
    pub(crate) span: Option<u32>,
    pub(crate) key: Cow<'static, str>,
    pub(crate) value: Value,
}

impl Trace {
    /// No trace at all.
    pub(crate) const NONE: Self = Self {
        trace_id: 0,
        span_id: 0,
        parent_span_id: 0,
        flags: 0,
        parent: Parent::None,
    };

    /// A trace that begins here.
    pub(crate) fn root(ratio: Ratio) -> Self {
        let trace_id = trace::trace_id();
        let sampled = if ratio.keeps(trace_id) {
            FLAG_SAMPLED
        } else {
            0
        };
        Self {
            trace_id,
            flags: FLAG_RANDOM | sampled,
            ..Self::NONE
        }
    }
}

impl Record {
    /// Makes the record empty, keeping the room that it has, its home, its owner and its slot.
    pub(crate) fn clear(&mut self) {
        self.serial = 0;
        self.kind = Kind::Request;
        self.trace = Trace::default();
        self.start = 0;
        self.end = 0;
        self.spans.clear();
        self.spans.shrink_to(SPANS_KEPT_FOR_REUSE);
        self.fields.clear();
        self.fields.shrink_to(SPANS_KEPT_FOR_REUSE);
        self.current = None;
        self.wants_fields = false;
        self.dropped_spans = 0;
        self.open_spans = 0;
        self.has_detached = false;
        self.origin = 0;
        self.request.clear();
        self.response.clear();
        self.handler = None;
        self.handler_dropped = false;
        self.handler_nanos = None;
        self.failed = false;
        self.error = None;
        self.marked = None;
        self.panicked = false;
        self.unwound = false;
        reuse(&mut self.panic_message);
        reuse(&mut self.consumer);
    }

    /// The id that a span beginning now has as its parent.
    pub(crate) fn current_span_id(&self) -> u64 {
        match self.current {
            Some(index) => self
                .spans
                .get(index as usize)
                .map_or(self.trace.span_id, |span| span.id),
            None => self.trace.span_id,
        }
    }
}

impl Request {
    /// How the client spoke to the outermost trusted server.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.https {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }

    fn clear(&mut self) {
        self.texts.clear(TEXT_KEPT_FOR_REUSE);
        self.passed_on = PassedOn::default();
        self.https = false;
        self.version = None;
        self.peer = None;
        self.client = None;
        self.headers.clear();
        self.body = crate::http::RequestBytes::default();
    }
}

impl Response {
    fn clear(&mut self) {
        self.status = 0;
        self.head = 0;
        self.bytes = 0;
        self.headers.clear();
        self.endless = false;
        self.outcome = None;
    }
}

/// Empties a text and keeps its room, unless one long text has made that large.
fn reuse(text: &mut String) {
    text.clear();
    text.shrink_to(TEXT_KEPT_FOR_REUSE);
}

/// Cuts `text` to at most `limit` bytes, at a character's boundary.
pub(crate) fn truncate(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
}

/// Appends at most `limit` bytes of `text`.
pub(crate) fn push_truncated(to: &mut String, text: &str, limit: usize) {
    to.push_str(&text[..text.floor_char_boundary(limit)]);
}
