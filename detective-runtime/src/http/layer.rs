//! The layer that records a router's requests.

use std::sync::Arc;

use tower_layer::Layer;

use crate::http::service::{DetectiveService, Watched};
use crate::record::Instance;

/// Records every request that passes through it: see [`Detective::layer`](crate::Detective::layer).
///
/// Put it on the outermost router with `Router::layer`. Only layers that compress or catch panics may be
/// outside of it. You can put a second one on an inner service, for example one that is mounted with
/// `nest_service`. It adds the full route template to the record and counts nothing twice.
#[derive(Debug, Clone)]
pub struct DetectiveLayer {
    instance: Arc<Instance>,
}

impl DetectiveLayer {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self { instance }
    }
}

impl<S> Layer<S> for DetectiveLayer {
    type Service = DetectiveService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        DetectiveService::new(inner, Watched::new(Arc::clone(&self.instance)))
    }
}
