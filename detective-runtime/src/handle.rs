//! What an application may do inside its handlers.

use std::borrow::Cow;
use std::sync::Arc;

use crate::cache::Cache;
use crate::export::SpanKind;
use crate::instance::{self, Instance};
use crate::record::{SpanError, push_truncated};
use crate::trace::{End, OpenSpan, context, set_field};
use crate::value::Value;

/// A cheap clone of what handlers need of Detective: put it into the axum state.
///
/// What it says goes to the request that is running on the current thread; outside a request nothing
/// happens.
#[derive(Debug, Clone)]
pub struct Handle {
    instance: Arc<Instance>,
}

impl Handle {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self { instance }
    }

    /// The cache: Redis or memory, as `cache.url` says.
    pub fn cache(&self) -> &Cache {
        &self.instance.cache
    }

    /// Says who is calling, in the application's own terms: a customer's or a key's name. It becomes
    /// the `consumer` of the request's row, length-capped, and never a label.
    pub fn consumer(&self, name: &str) {
        context::with_record(|record| {
            let Some(owner) = &record.owner else { return };
            let limit = owner.snapshot.config.capture.max_text_bytes;
            record.consumer.clear();
            push_truncated(&mut record.consumer, name, limit);
        });
    }

    /// Adds a field to the span that is open now.
    pub fn set_field(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        context::with_record(|record| {
            if record.trace.trace_id != 0 {
                set_field(record, record.current, key, value);
            }
        });
    }

    /// Begins a span below the open one; it ends when the guard is dropped. For a stretch of code
    /// that is no function; anything else is better off with `#[investigate]`.
    pub fn span(&self, name: impl Into<Cow<'static, str>>) -> ManualSpan {
        ManualSpan {
            span: OpenSpan::named(name.into(), SpanKind::Internal),
            error: None,
        }
    }

    /// The id of the current trace as 32 hexadecimal digits, for logs and error pages.
    pub fn trace_id(&self) -> Option<String> {
        context::with_record(|record| record.trace.trace_id)
            .filter(|trace_id| *trace_id != 0)
            .map(|trace_id| format!("{trace_id:032x}"))
    }

    /// Runs `future` with this instance as the one that investigated functions outside any request
    /// belong to; elsewhere that is the instance which was started first.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|task| {
            let _current = Current(instance::set_in_scope(Some(Arc::clone(&self.instance))));
            future.as_mut().poll(task)
        })
        .await
    }
}

/// Puts the outer instance back.
struct Current(Option<Arc<Instance>>);

impl Drop for Current {
    fn drop(&mut self) {
        instance::set_in_scope(self.0.take());
    }
}

/// A span that was begun by hand; see [`Handle::span`].
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct ManualSpan {
    span: OpenSpan,
    error: Option<SpanError>,
}

impl ManualSpan {
    /// Adds a field.
    pub fn set_field(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        self.span.set(key.into(), value.into());
    }

    /// Marks the span as failed. `error_type` is a low-cardinality name, `message` the text.
    pub fn fail(&mut self, error_type: impl Into<Cow<'static, str>>, message: impl Into<String>) {
        self.error = Some(SpanError {
            error_type: error_type.into(),
            message: message.into(),
        });
    }
}

impl Drop for ManualSpan {
    fn drop(&mut self) {
        self.span
            .end(self.error.take().map_or(End::Completed, End::Failed));
    }
}
