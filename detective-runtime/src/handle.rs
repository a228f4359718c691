//! What an application may keep of Detective in its own state.

use std::sync::Arc;

use crate::cache::Cache;
use crate::instance::{self, Instance};

/// A cheap clone of what belongs to one running Detective: put it into the axum state.
///
/// What a handler says about its request needs none: [`set_field`](crate::set_field) and its
/// neighbours find the request by themselves.
#[derive(Debug, Clone)]
pub struct Handle {
    instance: Arc<Instance>,
}

impl Handle {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self { instance }
    }

    /// The cache: Redis or memory, as `cache.url` says.
    pub fn cache(&self) -> &Cache {
        &self.instance.cache
    }

    /// Runs `future` with this instance as the one that investigated functions outside any request
    /// belong to; elsewhere that is the instance which was started first.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|task| {
            let _current = Current(instance::set_in_scope(Some(Arc::clone(&self.instance))));
            future.as_mut().poll(task)
        })
        .await
    }
}

/// Puts the outer instance back.
struct Current(Option<Arc<Instance>>);

impl Drop for Current {
    fn drop(&mut self) {
        instance::set_in_scope(self.0.take());
    }
}
