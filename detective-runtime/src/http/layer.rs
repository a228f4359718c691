//! The layer that records a router's requests.

use std::sync::Arc;

use tower_layer::Layer;

use crate::http::service::{DetectiveService, Watched};
use crate::record::Instance;

/// Records every request that passes through it: see [`Detective::layer`](crate::Detective::layer).
///
/// Add it to the outermost router with `Router::layer`. Only compression and panic-catching layers
/// may be outside it. A second layer further in, for example on a service that is mounted with
/// `nest_service`, adds the full route template to the open record and counts nothing twice.
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
