//! The future of a recorded request, until its response head is ready.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body::Body as _;
use pin_project_lite::pin_project;

use crate::clock;
use crate::http::body::RecordedBody;
use crate::http::capture;
use crate::http::open::OpenRequest;
use crate::trace::Within;

pin_project! {
    /// Returns the inner service's response, and records its head.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Within<F, OpenRequest>,
        is_head: bool,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, is_head: bool, open: OpenRequest) -> Self {
        Self {
            inner: Within::new(inner, open),
            is_head,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let result = std::task::ready!(this.inner.as_mut().poll(task));
        // The answer takes the request over.
        let mut open = this.inner.surroundings().take();
        Poll::Ready(match result {
            Ok(response) => Ok(answer(open, response.map(Body::new), *this.is_head)),
            Err(error) => {
                open.fail(format_args!("the service failed without a response"));
                Err(error)
            }
        })
    }
}

/// Records the head. Ends the request now if no body follows, or else with its body.
fn answer(mut open: OpenRequest, response: Response<Body>, is_head: bool) -> Response<Body> {
    let Some(record) = open.record() else {
        if open.is_excluded() && is_made_on_the_way(&response) {
            return response.map(|body| Body::new(RecordedBody::new(body, open, None)));
        }
        return response;
    };
    record.response.head = clock::now();
    capture::response(record, &response);
    if is_head || is_without_body(&response) {
        open.complete();
        return response;
    }
    let announced = announced_length(&response);
    response.map(|body| Body::new(RecordedBody::new(body, open, announced)))
}

/// The length that the head announces, for a body that does not know its length.
fn announced_length(response: &Response<Body>) -> Option<u64> {
    if is_made_on_the_way(response) {
        let length = response.headers().get(CONTENT_LENGTH)?;
        return capture::announced_length(length);
    }
    None
}

/// Whether the length is unknown, so that the program may still be producing the body.
fn is_made_on_the_way(response: &Response<Body>) -> bool {
    response.body().size_hint().exact().is_none()
}

/// Whether no body follows the head. A server does not poll such a body.
fn is_without_body(response: &Response<Body>) -> bool {
    matches!(response.status().as_u16(), 100..200 | 204 | 304) || response.body().is_end_stream()
}
