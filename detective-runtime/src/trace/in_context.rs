//! Keeps the work of spawned tasks in the trace.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::propagation::Trace;
use crate::record::{HeadText, Kind};
use crate::trace::context;
use crate::trace::context::Scope;
use crate::trace::within::{Surroundings, Within};

/// Carries the current span into a spawned task.
pub trait InCurrentContext: Future + Sized {
    /// Wraps the future. Its spans become children of the span that is current at this call, on
    /// whatever thread the future is polled, and also after the request has ended.
    ///
    /// ```
    /// use detective::InCurrentContext;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// async fn send_receipt() {}
    /// tokio::spawn(send_receipt().in_current_context()).await.expect("it does not panic");
    /// # }
    /// ```
    fn in_current_context(self) -> InContext<Self> {
        InContext {
            inner: Within::new(self, Detached(capture())),
        }
    }
}

impl<F: Future> InCurrentContext for F {}

pin_project! {
    /// A future that runs in the context in which it was made; see [`InCurrentContext`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InContext<F> {
        #[pin]
        inner: Within<F, Detached>,
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let mut inner = self.project().inner;
        let output = std::task::ready!(inner.as_mut().poll(task));
        inner.surroundings().finish();
        Poll::Ready(output)
    }
}

/// The scope of detached work; hands its record over at the end.
#[derive(Debug)]
struct Detached(Option<Scope>);

impl Surroundings for Detached {
    fn inside<R>(&mut self, action: impl FnOnce() -> R) -> R {
        let _entered = context::enter(&mut self.0);
        action()
    }
}

impl Detached {
    fn finish(&mut self) {
        if let Some(Scope::Record(record)) = self.0.take()
            && !record.spans.is_empty()
        {
            super::finish(record);
        }
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        self.finish();
    }
}

fn capture() -> Option<Scope> {
    context::with_scope(|scope| {
        let record = match scope {
            Scope::Record(record) => record,
            Scope::Excluded(trace) => return Some(Scope::Excluded(trace.clone())),
        };
        let owner = &record.owner;
        let mut detached = owner.instance.begin_under(Kind::Detached, &owner.snapshot);
        detached.trace = Trace {
            span_id: record.current_span_id(),
            ..record.trace
        };
        detached.origin = match record.kind {
            Kind::Detached => record.origin,
            Kind::Request | Kind::Work => record.serial,
        };
        record.has_detached = true;
        let state = record.request.texts.get(HeadText::TraceState);
        let texts = &mut detached.request.texts;
        texts.set(HeadText::TraceState, state.as_bytes(), usize::MAX);
        detached.request.passed_on = record.request.passed_on.clone();
        Some(Scope::Record(detached))
    })
    .flatten()
}
