//! What cannot be undercut: the bare application, and a layer that does nothing.

use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::Request;
use tower_layer::layer_fn;
use tower_service::Service;

use super::Contestant;
use crate::app::{ROUTE, get_toy};

pub(super) fn bare() -> Contestant {
    Contestant::new(Router::new().route(ROUTE, get(get_toy)))
}

pub(super) fn pass_through() -> Contestant {
    let app = Router::new().route(ROUTE, get(get_toy));
    Contestant::new(app.layer(layer_fn(|inner| PassThrough { inner })))
}

#[derive(Debug, Clone)]
struct PassThrough<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for PassThrough<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        self.inner.call(request)
    }
}
