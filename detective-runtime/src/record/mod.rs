//! One record: a request from its first byte to its last, or a piece of work outside any request.
//!
//! The row, the spans and the request's metrics all come from this one value. It is filled on the
//! request's thread and queued for the pipeline thread when the request ends. The last sink that is
//! done with it clears it for reuse, so recording allocates nothing in the long run, as long as the
//! sinks keep up.

pub(crate) mod address;
mod client;
mod instance;
mod observation;
mod outcome;
mod queue;
mod request_bytes;
pub(crate) mod running;
mod span;
mod texts;
mod unique;
mod visitor;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Version};

use crate::attribute::Callsite;
use crate::metrics::Scheme;
use crate::propagation::{PassedOn, Trace};
use crate::rules::{Slot, Snapshot};

pub(crate) use client::Client;
pub(crate) use instance::Instance;
pub(crate) use observation::observation;
pub use outcome::Outcome;
pub(crate) use queue::RecordQueue;
pub(crate) use request_bytes::RequestBytes;
pub(crate) use span::{Field, Span, SpanError, What};
pub(crate) use texts::{HeadText, HeadTexts, header_text};
pub(crate) use unique::{SharedRecord, UniqueRecord};
pub(crate) use visitor::Visitors;

/// Most spans and fields that a cleared record keeps room for.
const SPANS_KEPT_FOR_REUSE: usize = 256;

/// Longest text, in bytes, that a cleared record keeps room for.
const TEXT_KEPT_FOR_REUSE: usize = 1024;

/// Everything that is known about one request or piece of work.
#[derive(Debug)]
pub(crate) struct Record {
    /// The instance that the record belongs to, and the rules that applied when it began. A reused
    /// record usually keeps both, so no reference count changes.
    pub(crate) owner: Owner,
    /// Identifies this use of the record. Its spans have the ids that follow.
    pub(crate) serial: u64,
    /// The shard of the queue that it came from and is given back to.
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
    /// Index of the span that is open now; `None`: the record's own.
    pub(crate) current: Option<u32>,
    /// Whether the function that has just begun will add its fields to the current span.
    pub(crate) wants_fields: bool,
    pub(crate) dropped_spans: u32,
    /// How many of the spans are still open.
    pub(crate) open_spans: u32,
    /// Whether work was detached from this record. Such work is kept or dropped together with it.
    pub(crate) has_detached: bool,
    /// For detached work: the serial of the record that it was detached from.
    pub(crate) origin: u64,
    /// The request; unchanged for work outside any request.
    pub(crate) request: Request,
    pub(crate) response: Response,
    pub(crate) handler: Handler,
    /// The error that was marked by hand in the running function, until that function has ended.
    pub(crate) marked: Option<Box<SpanError>>,
    /// A panic went through the layer itself, so there is no response.
    pub(crate) unwound: bool,
    /// The text of the last panic; empty without one.
    pub(crate) panic_message: String,
    /// Set by the application to tell its own customers apart.
    pub(crate) consumer: String,
}

/// The investigated function that answers the request, and the result of its call.
#[derive(Debug, Default)]
pub(crate) struct Handler {
    pub(crate) callsite: Option<&'static Callsite>,
    /// How long it took, once it has ended, in nanoseconds.
    pub(crate) nanos: Option<u64>,
    /// It was dropped before it returned.
    pub(crate) dropped: bool,
    /// It panicked. Its caller may have recovered.
    pub(crate) panicked: bool,
    /// It returned an error, or an error was marked by hand, whatever the response says.
    pub(crate) failed: bool,
    /// The text of that error, or why the response is incomplete.
    pub(crate) error: Option<String>,
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
    /// An investigated function that ran outside any request. Its span is a root span.
    Work,
    /// Work that belongs to a trace but has its own record, because it was spawned or ended late.
    Detached,
}

/// The request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The (method, route) that counts this request. `None` for work outside any request, even if
    /// the record was used for a request before.
    pub(crate) slot: Option<Arc<Slot>>,
    /// The texts copied from the head.
    pub(crate) texts: HeadTexts,
    /// The incoming trace headers, when the request is not traced here.
    pub(crate) passed_on: PassedOn,
    pub(crate) https: bool,
    pub(crate) version: Option<Version>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: RequestBytes,
}

/// The response.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// Zero until a response head was sent.
    pub(crate) status: u16,
    /// When the head was ready, by [`crate::clock::now`]; zero before that.
    pub(crate) head: u64,
    pub(crate) bytes: u64,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// An upgraded connection or an event stream. Its duration is not a latency.
    pub(crate) endless: bool,
    /// Set when the record is finished.
    pub(crate) outcome: Option<Outcome>,
}

impl Record {
    /// An empty record.
    pub(crate) fn new(owner: Owner, home: usize) -> Self {
        Self {
            owner,
            home,
            serial: 0,
            kind: Kind::default(),
            trace: Trace::NONE,
            start: 0,
            end: 0,
            spans: Vec::new(),
            fields: Vec::new(),
            current: None,
            wants_fields: false,
            dropped_spans: 0,
            open_spans: 0,
            has_detached: false,
            origin: 0,
            request: Request::default(),
            response: Response::default(),
            handler: Handler::default(),
            marked: None,
            unwound: false,
            panic_message: String::new(),
            consumer: String::new(),
        }
    }

    /// Clears the record. It keeps its memory, its home, its owner and its slot.
    ///
    /// A field that is forgotten here would show one request's data in another. So the value is
    /// destructured completely, and the compiler asks about each new field.
    pub(crate) fn clear(&mut self) {
        let Self {
            owner: _,
            serial,
            home: _,
            kind,
            trace,
            start,
            end,
            spans,
            fields,
            current,
            wants_fields,
            dropped_spans,
            open_spans,
            has_detached,
            origin,
            request,
            response,
            handler,
            marked,
            unwound,
            panic_message,
            consumer,
        } = self;
        *serial = 0;
        *kind = Kind::default();
        *trace = Trace::NONE;
        *start = 0;
        *end = 0;
        spans.clear();
        spans.shrink_to(SPANS_KEPT_FOR_REUSE);
        fields.clear();
        fields.shrink_to(SPANS_KEPT_FOR_REUSE);
        *current = None;
        *wants_fields = false;
        *dropped_spans = 0;
        *open_spans = 0;
        *has_detached = false;
        *origin = 0;
        request.clear();
        response.clear();
        *handler = Handler::default();
        *marked = None;
        *unwound = false;
        reuse(panic_message);
        reuse(consumer);
    }

    /// The parent id for a span that begins now.
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
    /// The scheme that the client used with the outermost trusted server.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.https {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }

    fn clear(&mut self) {
        let Self {
            slot: _,
            texts,
            passed_on,
            https,
            version,
            peer,
            client,
            headers,
            body,
        } = self;
        texts.clear(TEXT_KEPT_FOR_REUSE);
        *passed_on = PassedOn::default();
        *https = false;
        *version = None;
        *peer = None;
        *client = None;
        headers.clear();
        *body = RequestBytes::default();
    }
}

impl Response {
    fn clear(&mut self) {
        let Self {
            status,
            head,
            bytes,
            headers,
            endless,
            outcome,
        } = self;
        *status = 0;
        *head = 0;
        *bytes = 0;
        headers.clear();
        *endless = false;
        *outcome = None;
    }
}

/// Clears a text and keeps its memory, except what exceeds [`TEXT_KEPT_FOR_REUSE`].
fn reuse(text: &mut String) {
    text.clear();
    text.shrink_to(TEXT_KEPT_FOR_REUSE);
}

/// Cuts `text` to at most `limit` bytes, at a character boundary.
pub(crate) fn truncate(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
}

/// Appends at most `limit` bytes of `text`, at a character boundary.
pub(crate) fn push_truncated(to: &mut String, text: &str, limit: usize) {
    to.push_str(&text[..text.floor_char_boundary(limit)]);
}
