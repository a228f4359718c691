//! The body of one recorded response, until it has ended or is dropped.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use http_body::{Body as _, Frame, SizeHint};

use crate::http::open::OpenRequest;

/// Passes the frames on unchanged, counts their bytes, and ends the request.
#[derive(Debug)]
pub(crate) struct RecordedBody {
    inner: Option<Body>,
    open: OpenRequest,
    /// What `Content-Length` announced of a body that does not know its length. A server that has
    /// written so much drops the body, and asks neither for its end nor whether there is more.
    announced: Option<u64>,
    /// What was taken from the inner body already, and is the first to be passed on.
    taken: Option<Taken>,
}

/// What a body gives when it is polled.
type Taken = Option<Result<Frame<Bytes>, axum::Error>>;

impl RecordedBody {
    pub(crate) fn new(inner: Body, open: OpenRequest, announced: Option<u64>) -> Self {
        Self {
            inner: Some(inner),
            open,
            announced,
            taken: None,
        }
    }

    /// Takes the first frame if it is at hand. When that is all of the body, the request is complete,
    /// as it is when a server takes it; then nothing of this is needed any more, and the body is the
    /// bytes that are given back.
    pub(crate) fn take_whole(&mut self, task: &mut Context<'_>) -> Option<Bytes> {
        let Poll::Ready(taken) = self.poll_inner(task) else {
            return None;
        };
        let is_all = self.inner.as_ref().is_some_and(Body::is_end_stream);
        match taken {
            Some(Ok(frame)) if is_all && frame.is_data() => {
                self.note(&Some(Ok(&frame)));
                frame.into_data().ok()
            }
            taken => {
                self.taken = Some(taken);
                None
            }
        }
    }

    fn poll_inner(&mut self, task: &mut Context<'_>) -> Poll<Taken> {
        let Self { inner, open, .. } = self;
        match inner {
            Some(body) => open.inside(|| Pin::new(body).poll_frame(task)),
            None => Poll::Ready(None),
        }
    }

    /// Notes what is passed on, and ends the request with the last of it.
    fn note(&mut self, taken: &Option<Result<&Frame<Bytes>, &axum::Error>>) {
        match taken {
            Some(Ok(frame)) => {
                if let (Some(record), Some(data)) = (self.open.record(), frame.data_ref()) {
                    record.response.bytes += data.len() as u64;
                }
                // A server that knows the length does not ask again after the last byte.
                if self.is_taken() {
                    self.open.complete();
                }
            }
            Some(Err(error)) => self.open.fail(format_args!("{error}")),
            None => self.open.complete(),
        }
    }

    /// Whether the last byte of a body of known length was passed on.
    fn is_taken(&mut self) -> bool {
        if self.taken.is_some() {
            return false;
        }
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
        let taken = match this.taken.take() {
            Some(taken) => taken,
            None => ready!(this.poll_inner(task)),
        };
        this.note(&taken.as_ref().map(Result::as_ref));
        Poll::Ready(taken)
    }

    fn is_end_stream(&self) -> bool {
        self.taken.is_none() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self
            .inner
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint);
        if let Some(Some(Ok(frame))) = &self.taken
            && let Some(data) = frame.data_ref()
        {
            let taken = data.len() as u64;
            if let Some(upper) = hint.upper() {
                hint.set_upper(upper + taken);
            }
            hint.set_lower(hint.lower() + taken);
        }
        hint
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        // A body of known length is complete when its last byte was taken, whether or not its end
        // was ever asked for.
        if self.open.is_open() && self.is_taken() {
            self.open.complete();
        }
        let inner = &mut self.inner;
        self.open.inside(|| *inner = None);
    }
}
