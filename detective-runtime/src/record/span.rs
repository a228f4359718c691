//! The spans of a record, and the fields on them.

use std::borrow::Cow;

use crate::attribute::Callsite;
use crate::export::SpanKind;
use crate::value::Value;

/// One span below the record's own span.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) start: u64,
    /// Zero while the span is open.
    pub(crate) end: u64,
    pub(crate) what: What,
    /// Boxed, since most spans have none.
    pub(crate) error: Option<Box<SpanError>>,
}

/// What a span stands for.
#[derive(Debug)]
pub(crate) enum What {
    Function(&'static Callsite),
    /// Anything else, with a name made at run time.
    Named(Cow<'static, str>, SpanKind),
    /// The end of a span that was still open when its own record was queued.
    Late,
}

/// Why a span failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SpanError {
    /// Low cardinality: `panic`, a status code, or the error's type.
    pub(crate) error_type: Cow<'static, str>,
    /// May be empty when the type says everything.
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
