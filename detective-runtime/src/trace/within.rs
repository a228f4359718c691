//! A future that runs and is dropped inside what it belongs to.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// What a future belongs to: a request, a span, an instance.
pub(crate) trait Surroundings {
    /// Runs `action` inside: what it calls finds these surroundings.
    fn inside<R>(&mut self, action: impl FnOnce() -> R) -> R;
}

pin_project! {
    /// Runs a future inside its surroundings.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub(crate) struct Within<F, S: Surroundings> {
        // Dropped inside as well, so that what the future drops finds its surroundings.
        #[pin]
        future: Option<F>,
        surroundings: S,
    }

    impl<F, S: Surroundings> PinnedDrop for Within<F, S> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                this.surroundings.inside(|| this.future.set(None));
            }
        }
    }
}

impl<F, S: Surroundings> Within<F, S> {
    pub(crate) fn new(future: F, surroundings: S) -> Self {
        Self {
            future: Some(future),
            surroundings,
        }
    }

    pub(crate) fn surroundings(self: Pin<&mut Self>) -> &mut S {
        self.project().surroundings
    }
}

impl<F: Future, S: Surroundings> Future for Within<F, S> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        this.surroundings.inside(|| {
            let future = this.future.as_mut().as_pin_mut();
            let result = future
                .expect("it is not polled after it has completed")
                .poll(task);
            if result.is_ready() {
                this.future.set(None);
            }
            result
        })
    }
}
