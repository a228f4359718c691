//! What code may say about the request or function that it runs in, from wherever it is called.
//!
//! It goes to what runs on the current thread; outside of a request and of every investigated function nothing happens.

use std::any::type_name;
use std::borrow::Cow;
use std::fmt::Display;

use crate::attribute::render;
use crate::export::SpanKind;
use crate::record::{SpanError, push_truncated};
use crate::trace::context;
use crate::trace::context::Place;
use crate::trace::span::{self, End, OpenSpan};
use crate::value::Value;

/// Adds a field to the span that is open now: for a value that is not known yet when the function is
/// called, where `#[investigate(fields(..))]` reads it.
///
/// ```
/// #[detective::investigate]
/// fn sell(price_cents: i64, quantity: i64) -> i64 {
///     let total_cents = price_cents * quantity;
///     detective::set_field("total_cents", total_cents);
///     total_cents
/// }
/// # assert_eq!(sell(250, 2), 500);
/// ```
pub fn set_field(key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
    let (key, value) = (key.into(), value.into());
    context::with_record(|record| {
        if record.trace.trace_id != 0 {
            span::set_field(record, record.current, key, value);
        }
    });
}

/// Marks the investigated function that runs now as failed, as if it had returned this error, for
/// one that it recovers from or tells in another way.
///
/// Its span gets the error's text, and its call counts as failed. If it is the request's handler, or
/// outside of every investigated function, the request's row gets the text as its `error`; the row's
/// `outcome` stays what the answer says. A request whose handler has failed although the answer looks
/// fine keeps its trace.
///
/// The last call counts. An error that is returned, and a panic, replace it.
///
/// ```
/// #[detective::investigate]
/// fn stock(toy_id: i64) -> i64 {
///     count(toy_id).unwrap_or_else(|error| {
///         detective::mark_error(error);
///         0 // sold out, until the warehouse answers again
///     })
/// }
/// # fn count(_: i64) -> Result<i64, &'static str> { Err("the warehouse does not answer") }
/// # assert_eq!(stock(1), 0);
/// ```
pub fn mark_error<E: Display>(error: E) {
    if context::place() != Place::Recorded {
        return;
    }
    let error = span_error(error);
    context::with_record(|record| record.marked = Some(error));
}

/// Says who is calling, in the application's own terms: a customer's or a key's name. It becomes the
/// `consumer` of the request's row, length-capped, and never a label.
pub fn set_consumer(name: &str) {
    context::with_record(|record| {
        let limit = record.owner.snapshot.config.capture.max_text_bytes;
        record.consumer.clear();
        push_truncated(&mut record.consumer, name, limit);
    });
}

/// The id of the current trace as 32 hexadecimal digits, for logs and error pages.
pub fn trace_id() -> Option<String> {
    context::with_record(|record| record.trace.trace_id)
        .filter(|trace_id| *trace_id != 0)
        .map(|trace_id| format!("{trace_id:032x}"))
}

/// Begins a span below the open one; it ends when the guard is dropped. For a stretch of code that is
/// no function; anything else is better off with `#[investigate]`.
pub fn start_span(name: impl Into<Cow<'static, str>>) -> ManualSpan {
    ManualSpan {
        span: OpenSpan::named(name.into(), SpanKind::Internal),
        error: None,
    }
}

/// A span that was begun by hand; see [`start_span`]. It is not the one that is open: what is said
/// of it, it is told itself.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct ManualSpan {
    span: Option<OpenSpan>,
    error: Option<Box<SpanError>>,
}

impl ManualSpan {
    /// Adds a field.
    pub fn set_field(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        if let Some(span) = &self.span {
            span.set(key.into(), value.into());
        }
    }

    /// Marks the span as failed; the last call counts.
    pub fn mark_error<E: Display>(&mut self, error: E) {
        self.error = Some(span_error(error));
    }
}

impl Drop for ManualSpan {
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            span.end(self.error.take().map_or(End::Completed, End::Failed));
        }
    }
}

fn span_error<E: Display>(error: E) -> Box<SpanError> {
    Box::new(SpanError {
        error_type: Cow::Borrowed(type_name::<E>()),
        message: render(format_args!("{error}")),
    })
}
