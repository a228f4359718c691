//! The part of Detective that an application keeps in its state.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cache::Cache;
use crate::record::{Instance, running};
use crate::trace::{Surroundings, Within};

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
            inner: Within::new(future, CurrentInstance(Arc::clone(&self.instance))),
        }
    }
}

pin_project! {
    /// A future in the scope of an instance; see [`Handle::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InScope<F> {
        #[pin]
        inner: Within<F, CurrentInstance>,
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        self.project().inner.poll(task)
    }
}

/// The instance that is current while the future runs.
#[derive(Debug)]
struct CurrentInstance(Arc<Instance>);

impl Surroundings for CurrentInstance {
    fn inside<R>(&mut self, action: impl FnOnce() -> R) -> R {
        let _outer = Outer(running::set_in_scope(Some(Arc::clone(&self.0))));
        action()
    }
}

/// Puts the outer instance back.
struct Outer(Option<Arc<Instance>>);

impl Drop for Outer {
    fn drop(&mut self) {
        running::set_in_scope(self.0.take());
    }
}
