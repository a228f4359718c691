//! The span of an investigated function: what the attribute's expansion calls.

mod future;
mod stream;

use std::borrow::Cow;
use std::panic::{RefUnwindSafe, UnwindSafe};

use futures_util::Stream;

use crate::attribute::Callsite;
use crate::record::{SpanError, UniqueRecord};
use crate::trace::context::{self, Scope};
use crate::trace::span::{self, End, OpenSpan, Outer};
use crate::value::Value;

pub use future::FunctionFuture;
pub use stream::FunctionStream;

/// Runs the body of a plain function. `error` gives the text of an error that it returned.
#[inline]
pub fn run<R>(
    callsite: &'static Callsite,
    body: impl FnOnce() -> R,
    error: impl FnOnce(&R) -> Option<String>,
) -> R {
    let mut span = FunctionSpan::start(callsite);
    let _entered = enter_work(&mut span.work);
    let Some(active) = Active::take(&mut span.call) else {
        return body();
    };
    let output = body();
    active.end(returned(&output, error));
    output
}

/// Runs the body of an asynchronous function, whose span begins when it is polled.
pub fn run_async<F, E>(callsite: &'static Callsite, body: F, error: E) -> FunctionFuture<F, E>
where
    F: Future,
    E: FnMut(&F::Output) -> Option<String>,
{
    FunctionFuture::new(FunctionSpan::waiting(callsite), body, error)
}

/// Runs the body of a function that returns a future, and then that future. `T` is what the signature says that the
/// future gives.
pub fn run_future<T, F, E>(
    callsite: &'static Callsite,
    body: impl FnOnce() -> F,
    error: E,
) -> FunctionFuture<F, E>
where
    F: Future<Output = T>,
    E: FnMut(&T) -> Option<String>,
{
    let mut span = FunctionSpan::start(callsite);
    let future = span.inside(body);
    FunctionFuture::new(span, future, error)
}

/// Runs the body of a function that returns a stream, and then that stream. `error` is asked about each item.
pub fn run_stream<T, S, E>(
    callsite: &'static Callsite,
    body: impl FnOnce() -> S,
    error: E,
) -> FunctionStream<S, E>
where
    S: Stream<Item = T>,
    E: FnMut(&T) -> Option<String>,
{
    let mut span = FunctionSpan::start(callsite);
    let stream = span.inside(body);
    FunctionStream::new(span, stream, error)
}

/// Begins the span of a call whose value nobody looks at. It ends with the guard.
pub fn enter(callsite: &'static Callsite) -> FunctionCall {
    let mut span = FunctionSpan::start(callsite);
    let mut outer = span.work.take().map(Scope::Record);
    let is_entered = outer.is_some();
    if is_entered {
        context::swap(&mut outer);
    }
    FunctionCall {
        active: Active::take(&mut span.call),
        outer,
        is_entered,
        was_panicking: std::thread::panicking(),
        span,
    }
}

/// Lets `add` add fields to the span of the function that has just begun, if they go anywhere.
#[inline]
pub fn fields(add: impl FnOnce(&mut Fields)) {
    if let Some(mut fields) = Fields::wanted() {
        add(&mut fields);
    }
}

/// Takes the fields that the attribute names.
#[derive(Debug)]
pub struct Fields {
    serial: u64,
    span: Option<u32>,
}

impl Fields {
    fn wanted() -> Option<Self> {
        context::with_record(|record| {
            std::mem::take(&mut record.wants_fields).then_some(Self {
                serial: record.serial,
                span: record.current,
            })
        })
        .flatten()
    }

    /// Adds one field.
    pub fn add(&mut self, key: &'static str, value: Option<Value>) {
        let Some(value) = value else { return };
        context::with_record(|record| {
            if record.serial == self.serial {
                span::set_field(record, self.span, Cow::Borrowed(key), value);
            }
        });
    }
}

/// The span of one call.
#[derive(Debug)]
struct FunctionSpan {
    call: Call,
    /// A record of its own, for a call outside any request.
    work: Option<UniqueRecord>,
}

/// How far a call has come.
#[derive(Debug)]
enum Call {
    /// An asynchronous function that was not polled yet.
    Waiting(&'static Callsite),
    /// It has begun, and is not running at this moment.
    Open(OpenSpan),
    /// It is not recorded, it is running, or it has ended.
    Closed,
}

// A panic in the body leaves a span behind that is only ended. Without this, nobody could catch the panic of an
// investigated future without a wrapper, because the types of a record are not `UnwindSafe`.
impl UnwindSafe for FunctionSpan {}
impl RefUnwindSafe for FunctionSpan {}

impl FunctionSpan {
    /// A span that begins later.
    fn waiting(callsite: &'static Callsite) -> Self {
        Self {
            call: Call::Waiting(callsite),
            work: None,
        }
    }

    /// A span that begins now.
    #[inline]
    fn start(callsite: &'static Callsite) -> Self {
        let (span, work) = OpenSpan::function(callsite);
        Self {
            call: span.map_or(Call::Closed, Call::Open),
            work,
        }
    }

    /// Begins the span, unless that has been done.
    #[inline]
    fn begin(&mut self) {
        if let Call::Waiting(callsite) = self.call {
            *self = Self::start(callsite);
        }
    }

    /// Runs `action` with the span current on this thread.
    fn inside<R>(&mut self, action: impl FnOnce() -> R) -> R {
        let _entered = enter_work(&mut self.work);
        let Some(active) = Active::take(&mut self.call) else {
            return action();
        };
        let result = action();
        active.suspend(&mut self.call);
        result
    }

    /// Ends the span, unless that has been done.
    fn end(&mut self, how: End) {
        let _entered = enter_work(&mut self.work);
        if let Some(span) = self.call.take() {
            span.end(how);
        }
    }
}

impl Call {
    /// The open span, which is running from now on.
    #[inline]
    fn take(&mut self) -> Option<OpenSpan> {
        match std::mem::replace(self, Self::Closed) {
            Self::Open(span) => Some(span),
            Self::Waiting(_) | Self::Closed => None,
        }
    }
}

impl Drop for FunctionSpan {
    #[inline]
    fn drop(&mut self) {
        // Nothing is left to end after a return or a panic.
        if matches!(self.call, Call::Open(_)) {
            self.end(End::Dropped);
        }
        if let Some(record) = self.work.take() {
            super::finish(record);
        }
    }
}

/// A call that ends when this is dropped.
#[derive(Debug)]
pub struct FunctionCall {
    active: Option<Active>,
    /// Whether the call's own record is the current one. `outer` is what was before.
    is_entered: bool,
    outer: Option<Scope>,
    /// Whether the call was made while a panic unwinds, by a destructor.
    was_panicking: bool,
    span: FunctionSpan,
}

impl Drop for FunctionCall {
    fn drop(&mut self) {
        if let Some(active) = self.active.take() {
            let is_panic = !self.was_panicking && std::thread::panicking();
            active.end(if is_panic {
                End::Panicked
            } else {
                End::Completed
            });
        }
        if self.is_entered {
            context::swap(&mut self.outer);
            put_back(&mut self.outer, &mut self.span.work);
        }
    }
}

/// The record of a call outside any request, while it is the current one.
struct EnteredWork<'a> {
    home: &'a mut Option<UniqueRecord>,
    outer: Option<Scope>,
}

/// Enters the record of a call outside any request.
#[inline]
fn enter_work(home: &mut Option<UniqueRecord>) -> Option<EnteredWork<'_>> {
    let mut outer = Some(Scope::Record(home.take()?));
    context::swap(&mut outer);
    Some(EnteredWork { home, outer })
}

impl Drop for EnteredWork<'_> {
    fn drop(&mut self) {
        context::swap(&mut self.outer);
        put_back(&mut self.outer, self.home);
    }
}

/// Takes the record of a call out of its scope again.
fn put_back(scope: &mut Option<Scope>, home: &mut Option<UniqueRecord>) {
    if let Some(Scope::Record(record)) = scope.take() {
        *home = Some(record);
    }
}

/// A span that is current on this thread. Dropped as it is, it was left by a panic.
#[derive(Debug)]
struct Active {
    span: Option<OpenSpan>,
    outer: Outer,
}

impl Active {
    /// Makes a span current, if there is one.
    #[inline]
    fn take(from: &mut Call) -> Option<Self> {
        let mut span = from.take()?;
        Some(Self {
            outer: span.activate(),
            span: Some(span),
        })
    }

    /// Puts the outer span back, and keeps this one for another time.
    #[inline]
    fn suspend(mut self, to: &mut Call) {
        if let Some(mut span) = self.span.take() {
            span.deactivate(std::mem::take(&mut self.outer));
            *to = Call::Open(span);
        }
    }

    /// Puts the outer span back, and ends this one.
    #[inline]
    fn end(mut self, how: End) {
        if let Some(span) = self.span.take() {
            span.deactivate_and_end(std::mem::take(&mut self.outer), how);
        }
    }
}

impl Drop for Active {
    #[inline]
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            span.deactivate_and_end(std::mem::take(&mut self.outer), End::Panicked);
        }
    }
}

fn returned<R>(output: &R, error: impl FnOnce(&R) -> Option<String>) -> End {
    failed(output, error).map_or(End::Completed, End::Failed)
}

fn failed<R>(output: &R, error: impl FnOnce(&R) -> Option<String>) -> Option<Box<SpanError>> {
    let message = error(output)?;
    Some(Box::new(SpanError {
        error_type: Cow::Borrowed(error_type::<R>()),
        message,
    }))
}

/// The name of `E` in `Result<T, E>`, or `_OTHER` (OpenTelemetry's word for an error of no known
/// type). The compiler's own name for the type is read, since nothing else knows it here.
fn error_type<R>() -> &'static str {
    let name = std::any::type_name::<R>();
    let arguments = name
        .strip_prefix("core::result::Result<")
        .and_then(|rest| rest.strip_suffix('>'));
    let Some(arguments) = arguments else {
        return "_OTHER";
    };
    let mut depth = 0_i32;
    for (index, byte) in arguments.bytes().enumerate() {
        match byte {
            b'<' | b'(' | b'[' => depth += 1,
            b'>' | b')' | b']' => depth -= 1,
            b',' if depth == 0 => return arguments[index + 1..].trim_start(),
            _ => {}
        }
    }
    "_OTHER"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_type_is_the_second_argument() {
        assert_eq!(
            error_type::<Result<(), std::fmt::Error>>(),
            "core::fmt::Error"
        );
        assert_eq!(
            error_type::<Result<(u8, Vec<Result<u8, ()>>), String>>(),
            "alloc::string::String"
        );
        assert_eq!(error_type::<Option<u8>>(), "_OTHER");
    }
}
