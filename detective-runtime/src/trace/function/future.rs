//! The future of an investigated function.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::FusedFuture;
use pin_project_lite::pin_project;

use super::{Active, FunctionSpan, enter_work, returned};

pin_project! {
    /// The body of an asynchronous function inside its span.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct FunctionFuture<F, E> {
        // Comes first, because the compiler asks the fields in their order whether they are `Send`. What it found for
        // the span it knows from then on; further down in a chain of functions, it would run into its limit.
        span: FunctionSpan,
        // Emptied while the span is current, so that what the body drops finds its place.
        #[pin]
        inner: Option<F>,
        error: E,
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
    E: FnMut(&F::Output) -> Option<String>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let span = this.span;
        span.begin();
        let _entered = enter_work(&mut span.work);
        let active = Active::take(&mut span.call);
        let body = this.inner.as_mut().as_pin_mut();
        let result = body
            .expect("it is not polled after it has returned")
            .poll(task);
        if result.is_ready() {
            this.inner.set(None);
        }
        if let Some(active) = active {
            match &result {
                Poll::Pending => active.suspend(&mut span.call),
                Poll::Ready(output) => active.end(returned(output, this.error)),
            }
        }
        result
    }
}

impl<F, E> FusedFuture for FunctionFuture<F, E>
where
    F: Future,
    E: FnMut(&F::Output) -> Option<String>,
{
    fn is_terminated(&self) -> bool {
        self.inner.is_none()
    }
}

impl<F, E> FunctionFuture<F, E> {
    pub(super) fn new(span: FunctionSpan, body: F, error: E) -> Self {
        Self {
            span,
            inner: Some(body),
            error,
        }
    }
}
