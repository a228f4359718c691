//! Functions that add data to the current request and span, from wherever they are called.
//!
//! The current ones are those that run on this thread. Outside of a request and of every investigated
//! function, these functions do nothing.

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

/// Adds a field to the current span. Use it for a value that is not known before the call, when
/// `#[investigate(fields(..))]` reads its fields.
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

/// Marks the current investigated function as failed, as if it had returned this error. Use it for an
/// error that the function handles or reports in another way.
///
/// The function's span gets the error's text, and the call counts as failed. If the function is the
/// request's handler, or if no investigated function runs, the request's row gets the text as its
/// `error`. The row's `outcome` does not change: it follows from the response. If the handler failed
/// behind a successful response, the trace of the request is kept.
///
/// The last call counts. A returned error or a panic replaces it.
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

/// Sets who is calling, for example the name of a customer or of an API key. The name becomes the
/// `consumer` of the request's row, cut to `capture.max_text_bytes`. It never becomes a label of a
/// metric.
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

/// Begins a span below the current one. The span ends when you drop the guard. Use it for a part of a
/// function; for a whole function, use `#[investigate]`.
pub fn start_span(name: impl Into<Cow<'static, str>>) -> ManualSpan {
    ManualSpan {
        span: OpenSpan::named(name.into(), SpanKind::Internal),
        error: None,
    }
}

/// A span from [`start_span`]. It does not become the current span: call its own methods to add fields
/// and errors to it.
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

    /// Marks the span as failed. The last call counts.
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
