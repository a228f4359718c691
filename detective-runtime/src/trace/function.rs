//! The span of an investigated function: what the attribute's expansion calls.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::callsite::Callsite;
use crate::record::SpanError;
use crate::trace::context::{self, Scope};
use crate::trace::span::{End, OpenSpan, PANIC};
use crate::value::Value;

/// The span of one call.
#[derive(Debug)]
pub struct FunctionSpan {
    span: OpenSpan,
    /// A record of its own, for a call outside any request.
    work: Option<Scope>,
}

/// Takes the fields that the attribute names.
#[derive(Debug)]
pub struct Fields<'a>(&'a OpenSpan);

impl FunctionSpan {
    /// Begins the span.
    pub fn start(callsite: &'static Callsite) -> Self {
        let (span, work) = OpenSpan::function(callsite);
        Self { span, work }
    }

    /// Lets `fields` add fields, if they go anywhere.
    #[must_use]
    pub fn with(mut self, fields: impl FnOnce(&mut Fields<'_>)) -> Self {
        if self.span.is_recorded() {
            let _entered = self.work.is_some().then(|| context::enter(&mut self.work));
            fields(&mut Fields(&self.span));
        }
        self
    }

    /// Runs the body of a plain function. `error` gives the text of an error that it returned.
    pub fn run<R>(
        mut self,
        body: impl FnOnce() -> R,
        error: impl FnOnce(&R) -> Option<String>,
    ) -> R {
        self.inside(|span| {
            let output = body();
            span.end(returned(&output, error));
            output
        })
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

    /// Runs `action` with the span current on this thread; a panic in it ends the span.
    fn inside<R>(&mut self, action: impl FnOnce(&mut OpenSpan) -> R) -> R {
        let _entered = self.work.is_some().then(|| context::enter(&mut self.work));
        let mut active = Active {
            outer: self.span.activate(),
            span: &mut self.span,
            is_unwinding: true,
        };
        let result = action(active.span);
        active.is_unwinding = false;
        result
    }
}

impl Drop for FunctionSpan {
    fn drop(&mut self) {
        // Nothing is left to end after a return or a panic.
        self.inside(|span| span.end(End::Dropped));
        if let Some(Scope::Record(record)) = self.work.take() {
            super::finish(record);
        }
    }
}

/// A span that is current; puts the outer one back when it is dropped.
struct Active<'a> {
    outer: Option<u32>,
    span: &'a mut OpenSpan,
    is_unwinding: bool,
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.span.deactivate(self.outer);
        if self.is_unwinding {
            self.span.end(End::Failed(SpanError {
                error_type: Cow::Borrowed(PANIC),
                message: String::new(),
            }));
        }
    }
}

pin_project! {
    /// The body of an asynchronous function inside its span.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct FunctionFuture<F, E> {
        // Emptied while the span is current, so that what the body drops finds its place.
        #[pin]
        inner: Option<F>,
        error: Option<E>,
        span: FunctionSpan,
    }

    impl<F, E> PinnedDrop for FunctionFuture<F, E> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                this.span.inside(|_| this.inner.set(None));
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
        let (inner, error) = (&mut this.inner, this.error);
        this.span.inside(|span| {
            let body = inner
                .as_mut()
                .as_pin_mut()
                .expect("it is not polled after it has returned");
            let output = std::task::ready!(body.poll(task));
            inner.set(None);
            span.end(
                error
                    .take()
                    .map_or(End::Completed, |error| returned(&output, error)),
            );
            Poll::Ready(output)
        })
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
    match error(output) {
        None => End::Completed,
        Some(message) => End::Failed(SpanError {
            error_type: Cow::Borrowed(error_type::<R>()),
            message,
        }),
    }
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
