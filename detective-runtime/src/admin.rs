//! `/metrics` and `/analytics`, behind the door that only lets loopback and token holders in.

use std::sync::Arc;

use axum::Router;

use crate::instance::Instance;
use crate::store::Reader;

/// What the mounted pages need.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    instance: Arc<Instance>,
    reader: Option<Reader>,
}

impl Admin {
    pub(crate) fn new(instance: Arc<Instance>, reader: Option<Reader>) -> Self {
        Self { instance, reader }
    }

    /// The pages.
    pub(crate) fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new()
    }
}
