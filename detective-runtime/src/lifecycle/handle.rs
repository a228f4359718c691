//! The part of Detective that an application keeps in its state.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cache::Cache;
use crate::record::{Instance, running};

/// A handle of one running Detective. It is cheap to clone; put it into the axum state.
///
/// A handler does not need it to add data to its request: [`set_field`](crate::set_field) and similar
/// functions find the request by themselves.
#[derive(Debug, Clone)]
pub struct Handle {
    instance: Arc<Instance>,
    cache: Cache,
}

impl Handle {
    pub(crate) fn new(instance: Arc<Instance>, cache: Cache) -> Self {
        Self { instance, cache }
    }

    /// The cache: Redis or memory, as `cache.url` says.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Runs `future` so that investigated functions outside of any request belong to this instance.
    /// Without it, they belong to the instance that was started first.
    pub fn scope<F: Future>(&self, future: F) -> InScope<F> {
        InScope {
            inner: Some(future),
            instance: Arc::clone(&self.instance),
        }
    }
}

pin_project! {
    /// A future in the scope of an instance; see [`Handle::scope`].
    #[derive(Debug)]
    #[project = InScopeProjection]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InScope<F> {
        // Emptied in the scope, so that what the future drops belongs to the instance, too.
        #[pin]
        inner: Option<F>,
        instance: Arc<Instance>,
    }

    impl<F> PinnedDrop for InScope<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _current = Current::enter(this.instance);
            this.inner.set(None);
        }
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _current = Current::enter(this.instance);
        let inner = this
            .inner
            .as_mut()
            .as_pin_mut()
            .expect("it is not polled after it has completed");
        let output = std::task::ready!(inner.poll(task));
        this.inner.set(None);
        Poll::Ready(output)
    }
}

/// Puts the outer instance back.
struct Current(Option<Arc<Instance>>);

impl Current {
    fn enter(instance: &Arc<Instance>) -> Self {
        Self(running::set_in_scope(Some(Arc::clone(instance))))
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        running::set_in_scope(self.0.take());
    }
}
