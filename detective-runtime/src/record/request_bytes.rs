//! The size of a request's body.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Body as _, Frame, SizeHint};

/// The size of a request's body: announced in the head, or counted as the body arrives.
#[derive(Debug)]
pub(crate) enum RequestBytes {
    /// Known from the head.
    Known(u64),
    /// Counted by a [`CountedBody`].
    Counted(Arc<AtomicU64>),
}

impl Default for RequestBytes {
    fn default() -> Self {
        Self::Known(0)
    }
}

impl RequestBytes {
    /// The size that the head announced. A body without an announced size is wrapped and counted.
    pub(crate) fn of(body: &mut Body, announced: Option<u64>) -> Self {
        if body.is_end_stream() {
            return Self::Known(0);
        }
        if let Some(bytes) = announced {
            return Self::Known(bytes);
        }
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        let inner = std::mem::take(body);
        *body = Body::new(CountedBody { inner, count });
        Self::Counted(counted)
    }

    /// The number of bytes so far.
    pub(crate) fn get(&self) -> u64 {
        match self {
            Self::Known(bytes) => *bytes,
            Self::Counted(count) => count.load(Relaxed),
        }
    }
}

/// Counts the bytes of a body.
#[derive(Debug)]
struct CountedBody {
    inner: Body,
    count: Arc<AtomicU64>,
}

impl http_body::Body for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(task));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.count.fetch_add(data.len() as u64, Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
