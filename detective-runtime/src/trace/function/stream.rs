//! The stream of an investigated function.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::FusedStream;
use pin_project_lite::pin_project;

use super::{Active, FunctionSpan, enter_work, failed};
use crate::record::SpanError;
use crate::trace::span::End;

pin_project! {
    /// The stream that a function returned, inside the function's span: which ends with the stream,
    /// and has failed if an item was an error, whether or not others followed.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless they are polled"]
    pub struct FunctionStream<S, E> {
        // Comes first, as in the future.
        span: FunctionSpan,
        // Emptied while the span is current, as in the future.
        #[pin]
        inner: Option<S>,
        error: E,
        // The first one: what follows is often its consequence.
        failure: Option<Box<SpanError>>,
    }

    impl<S, E> PinnedDrop for FunctionStream<S, E> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                // Whoever has had enough of a stream drops it: unlike a future, it was not cut off.
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
        let _entered = enter_work(&mut span.work);
        let active = Active::take(&mut span.call);
        // Polled again after its end, it goes on having ended.
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
                _ => active.suspend(&mut span.call),
            }
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

impl<S, E> FusedStream for FunctionStream<S, E>
where
    S: Stream,
    E: FnMut(&S::Item) -> Option<String>,
{
    fn is_terminated(&self) -> bool {
        self.inner.is_none()
    }
}

impl<S, E> FunctionStream<S, E> {
    pub(super) fn new(span: FunctionSpan, stream: S, error: E) -> Self {
        Self {
            span,
            inner: Some(stream),
            error,
            failure: None,
        }
    }
}
