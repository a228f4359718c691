//! A layer as someone would write it by hand: something before the handler, and something after it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use http::Request;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// What is done for each request.
pub(super) trait Hook: Send + Sync + 'static {
    /// What is kept while the handler runs.
    type Open: Send;

    fn before(&self, request: &Request<Body>) -> Self::Open;

    fn after(&self, open: Self::Open, response: &Response);
}

/// Applies a [`Hook`].
pub(super) struct ByHand<H>(Arc<H>);

impl<H> ByHand<H> {
    pub(super) fn new(hook: H) -> Self {
        Self(Arc::new(hook))
    }
}

impl<H> Clone for ByHand<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H, S> Layer<S> for ByHand<H> {
    type Service = ByHandService<H, S>;

    fn layer(&self, inner: S) -> Self::Service {
        ByHandService {
            inner,
            hook: Arc::clone(&self.0),
        }
    }
}

pub(super) struct ByHandService<H, S> {
    inner: S,
    hook: Arc<H>,
}

impl<H, S: Clone> Clone for ByHandService<H, S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            hook: Arc::clone(&self.hook),
        }
    }
}

impl<H, S> Service<Request<Body>> for ByHandService<H, S>
where
    H: Hook,
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future
        = ByHandFuture<H, S::Future>
    where
        H: Hook;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let open = self.hook.before(&request);
        ByHandFuture {
            inner: self.inner.call(request),
            open: Some(open),
            hook: Arc::clone(&self.hook),
        }
    }
}

pin_project! {
    pub(super) struct ByHandFuture<H: Hook, F> {
        #[pin]
        inner: F,
        open: Option<H::Open>,
        hook: Arc<H>,
    }
}

impl<H, F, E> Future for ByHandFuture<H, F>
where
    H: Hook,
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(task));
        if let (Ok(response), Some(open)) = (&result, this.open.take()) {
            this.hook.after(open, response);
        }
        Poll::Ready(result)
    }
}
