//! What cannot be undercut: the bare application, and a layer that does nothing.

use std::hint::black_box;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::Request;
use tower_layer::layer_fn;
use tower_service::Service;

use super::Contestant;
use crate::app::{Scenario, chunks, get_toy};

pub(super) fn bare(scenario: Scenario) -> Contestant {
    Contestant::new(crate::routes!(scenario, get_toy, get_nested, get_chunks))
}

async fn get_nested(Path(depth): Path<usize>) -> String {
    nested(depth).to_string()
}

#[inline(never)]
fn nested(depth: usize) -> usize {
    if depth == 0 {
        0
    } else {
        black_box(nested(depth - 1)) + 1
    }
}

async fn get_chunks() -> impl IntoResponse {
    chunks()
}

pub(super) fn pass_through(scenario: Scenario) -> Contestant {
    let app = crate::routes!(scenario, get_toy, get_nested, get_chunks);
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
