//! The layer that puts a router's requests under observation.

use std::sync::Arc;

use tower_layer::Layer;

use crate::http::service::{DetectiveService, Watched};
use crate::record::Instance;

/// Records every request that passes through it: see [`Detective::layer`](crate::Detective::layer).
///
/// Put it on the outermost router with `Router::layer`, inside of nothing but compression and
/// panic-catching layers. A second one further in, for example on a service that is mounted with
/// `nest_service`, gives the open record its full route template and counts nothing twice.
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
