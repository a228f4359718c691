//! The span of an investigated function. The attribute's expansion calls this.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use pin_project_lite::pin_project;

use crate::attribute::Callsite;
use crate::record::SpanError;
use crate::trace::context;
use crate::trace::context::{Entered, Scope};
use crate::trace::span::{End, OpenSpan, Outer};
use crate::value::Value;

/// The span of one call.
#[derive(Debug)]
pub struct FunctionSpan {
    /// `None` when the call is not recorded, and after its end.
    span: Option<OpenSpan>,
    /// A separate record, for a call outside any request.
    work: Option<Scope>,
}

/// Adds the fields that the attribute names.
#[derive(Debug)]
pub struct Fields<'a>(&'a OpenSpan);

impl FunctionSpan {
    /// Begins the span.
    pub fn start(callsite: &'static Callsite) -> Self {
        let (span, work) = OpenSpan::function(callsite);
        Self { span, work }
    }

    /// Calls `fields` to add fields, if the span is recorded.
    #[must_use]
    pub fn with(mut self, fields: impl FnOnce(&mut Fields<'_>)) -> Self {
        if let Some(span) = self.span.as_ref().filter(|span| span.is_recorded()) {
            let _entered = enter(&mut self.work);
            fields(&mut Fields(span));
        }
        self
    }

    /// Runs the body of a synchronous function. `error` gives the text of an error that it
    /// returned.
    #[inline]
    pub fn run<R>(
        mut self,
        body: impl FnOnce() -> R,
        error: impl FnOnce(&R) -> Option<String>,
    ) -> R {
        let _entered = enter(&mut self.work);
        let Some(active) = Active::take(&mut self.span) else {
            return body();
        };
        let output = body();
        active.end(returned(&output, error));
        output
    }

    /// Runs the body of an asynchronous function.
    pub fn run_async<F, E>(self, body: F, error: E) -> FunctionFuture<F, E>
    where
        F: Future,
        E: FnOnce(&F::Output) -> Option<String>,
    {
        FunctionFuture {
            inner: Some(body),
            error: Some(error),
            span: self,
        }
    }

    /// Runs the body of a function that returns a future, and then that future.
    pub fn run_future<F, E>(mut self, body: impl FnOnce() -> F, error: E) -> FunctionFuture<F, E>
    where
        F: Future,
        E: FnOnce(&F::Output) -> Option<String>,
    {
        let future = self.inside(body);
        self.run_async(future, error)
    }

    /// Runs the body of a function that returns a stream, and then that stream. `error` is called
    /// for each item.
    pub fn run_stream<S, E>(mut self, body: impl FnOnce() -> S, error: E) -> FunctionStream<S, E>
    where
        S: Stream,
        E: FnMut(&S::Item) -> Option<String>,
    {
        FunctionStream {
            inner: Some(self.inside(body)),
            error,
            failure: None,
            span: self,
        }
    }

    /// Runs `action` with the span current on this thread.
    fn inside<R>(&mut self, action: impl FnOnce() -> R) -> R {
        let _entered = enter(&mut self.work);
        let Some(active) = Active::take(&mut self.span) else {
            return action();
        };
        let result = action();
        active.suspend(&mut self.span);
        result
    }

    /// Ends the span, unless it has ended already.
    fn end(&mut self, how: End) {
        let _entered = enter(&mut self.work);
        if let Some(span) = self.span.take() {
            span.end(how);
        }
    }
}

impl Drop for FunctionSpan {
    #[inline]
    fn drop(&mut self) {
        // After a return or a panic, the span has ended already.
        if self.span.is_some() {
            self.end(End::Dropped);
        }
        if let Some(Scope::Record(record)) = self.work.take() {
            super::finish(record);
        }
    }
}

/// Enters the record of a call outside any request.
#[inline]
fn enter(work: &mut Option<Scope>) -> Option<Entered<'_>> {
    work.is_some().then(|| context::enter(work))
}

/// A span that is current on this thread. A plain drop means that a panic left it.
struct Active {
    span: Option<OpenSpan>,
    outer: Outer,
}

impl Active {
    /// Makes a span current, if there is one.
    #[inline]
    fn take(from: &mut Option<OpenSpan>) -> Option<Self> {
        let mut span = from.take()?;
        Some(Self {
            outer: span.activate(),
            span: Some(span),
        })
    }

    /// Restores the outer span, and keeps this one for the next poll.
    #[inline]
    fn suspend(mut self, to: &mut Option<OpenSpan>) {
        if let Some(mut span) = self.span.take() {
            span.deactivate(std::mem::take(&mut self.outer));
            *to = Some(span);
        }
    }

    /// Restores the outer span, and ends this one.
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

pin_project! {
    /// The body of an asynchronous function inside its span.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct FunctionFuture<F, E> {
        // Dropped while the span is current, so that spans begun during the drop find their parent.
        #[pin]
        inner: Option<F>,
        error: Option<E>,
        span: FunctionSpan,
    }

    impl<F, E> PinnedDrop for FunctionFuture<F, E> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                this.span.inside(|| this.inner.set(None));
            }
        }
    }
}

impl<F, E> Future for FunctionFuture<F, E>
where
    F: Future,
    E: FnOnce(&F::Output) -> Option<String>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let span = this.span;
        let _entered = enter(&mut span.work);
        let active = Active::take(&mut span.span);
        let body = this.inner.as_mut().as_pin_mut();
        let result = body
            .expect("it is not polled after it has returned")
            .poll(task);
        if result.is_ready() {
            this.inner.set(None);
        }
        if let Some(active) = active {
            match &result {
                Poll::Pending => active.suspend(&mut span.span),
                Poll::Ready(output) => active.end(match this.error.take() {
                    Some(error) => returned(output, error),
                    None => End::Completed,
                }),
            }
        }
        result
    }
}

pin_project! {
    /// The stream that a function returned, inside the function's span. The span ends with the
    /// stream. It has failed if any item was an error, even if others followed.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless they are polled"]
    pub struct FunctionStream<S, E> {
        // Dropped while the span is current, as in [`FunctionFuture`].
        #[pin]
        inner: Option<S>,
        error: E,
        // The first error. Later errors often follow from it.
        failure: Option<Box<SpanError>>,
        span: FunctionSpan,
    }

    impl<S, E> PinnedDrop for FunctionStream<S, E> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                // Dropping a stream early is normal use; unlike a future, it was not cut off.
                let end = this.failure.take().map_or(End::Completed, End::Failed);
                this.span.inside(|| this.inner.set(None));
                this.span.end(end);
            }
        }
    }
}

impl<S, E> Stream for FunctionStream<S, E>
where
    S: Stream,
    E: FnMut(&S::Item) -> Option<String>,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let span = this.span;
        let _entered = enter(&mut span.work);
        let active = Active::take(&mut span.span);
        // Polling after the end returns the end again.
        let item = match this.inner.as_mut().as_pin_mut() {
            Some(stream) => stream.poll_next(task),
            None => Poll::Ready(None),
        };
        match &item {
            Poll::Pending => {}
            Poll::Ready(Some(item)) => {
                if this.failure.is_none() {
                    *this.failure = failed(item, this.error);
                }
            }
            Poll::Ready(None) => this.inner.set(None),
        }
        if let Some(active) = active {
            match item {
                Poll::Ready(None) => {
                    let failure = this.failure.take();
                    active.end(failure.map_or(End::Completed, End::Failed));
                }
                _ => active.suspend(&mut span.span),
            }
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

impl Fields<'_> {
    /// Adds one field.
    pub fn add(&mut self, key: &'static str, value: impl Into<Option<Value>>) {
        if let Some(value) = value.into() {
            self.0.set(Cow::Borrowed(key), value);
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

/// The name of `E` in `Result<T, E>`, or `_OTHER` (OpenTelemetry's value for an error of unknown
/// type). It is parsed from the compiler's name for the type, since nothing else knows it here.
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
