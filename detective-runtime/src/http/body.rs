//! The body of a recorded response, until it has ended or is dropped.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use http_body::{Body as _, Frame, SizeHint};

use crate::http::open::OpenRequest;
use crate::trace::Surroundings;

/// Passes the frames on unchanged, counts their bytes, and ends the request.
#[derive(Debug)]
pub(crate) struct RecordedBody {
    inner: Option<Body>,
    open: OpenRequest,
    /// The `Content-Length` of a body that does not know its own length. After that many bytes, a
    /// server drops the body and asks for nothing more.
    announced: Option<u64>,
}

impl RecordedBody {
    pub(crate) fn new(inner: Body, open: OpenRequest, announced: Option<u64>) -> Self {
        Self {
            inner: Some(inner),
            open,
            announced,
        }
    }

    /// Whether the last byte of a body of known length was read.
    fn is_taken(&mut self) -> bool {
        if let Some(announced) = self.announced
            && let Some(record) = self.open.record()
            && record.response.bytes >= announced
        {
            return true;
        }
        self.inner
            .as_ref()
            .is_some_and(|body| body.is_end_stream() || body.size_hint().exact() == Some(0))
    }
}

impl http_body::Body for RecordedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let Self { inner, open, .. } = this;
        let Some(body) = inner else {
            return Poll::Ready(None);
        };
        let frame = ready!(open.inside(|| Pin::new(body).poll_frame(task)));
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(record), Some(data)) = (open.record(), frame.data_ref()) {
                    record.response.bytes += data.len() as u64;
                }
                // A server that knows the length does not poll again after the last byte.
                if this.is_taken() {
                    this.open.complete();
                }
            }
            Some(Err(error)) => open.fail(format_args!("{error}")),
            None => open.complete(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        // A body of known length is complete when its last byte was read, even if the server never
        // polled for the end.
        if self.open.is_open() && self.is_taken() {
            self.open.complete();
        }
        let inner = &mut self.inner;
        self.open.inside(|| *inner = None);
    }
}
