//! The trace context of a request that is not traced here.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::propagation::{TRACEPARENT, TRACESTATE};

/// Whether this program has a client that forwards traces. Without one, the headers are not copied.
static HAS_CLIENT: AtomicBool = AtomicBool::new(false);

/// Called when such a client is made.
#[cfg(feature = "http-client")]
pub(crate) fn expect_client() {
    HAS_CLIENT.store(true, Relaxed);
}

/// The headers of a trace that passes through this process without a span here.
///
/// A participant that does not trace forwards them unchanged, so that the spans on both sides stay
/// in one trace (W3C Trace Context level 2, section 4). They are not parsed either: the next
/// participant decides whether they are malformed.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassedOn(Option<Box<Headers>>);

/// Boxed because most requests have none, and the context that contains this is moved often.
#[derive(Debug, Clone)]
struct Headers(Vec<(HeaderName, HeaderValue)>);

impl PassedOn {
    /// Copies the trace headers of a request, if the config trusts them and this program has a
    /// client. Allocates nothing when there are none.
    pub(crate) fn of(headers: &HeaderMap, is_believed: impl FnOnce() -> bool) -> Self {
        let is_wanted = HAS_CLIENT.load(Relaxed) && is_believed();
        if !is_wanted || !headers.contains_key(&TRACEPARENT) {
            return Self::default();
        }
        let all_of = |name: &'static HeaderName| {
            let values = headers.get_all(name).iter();
            values.map(|value| (name.clone(), value.clone()))
        };
        let passed_on = all_of(&TRACEPARENT).chain(all_of(&TRACESTATE)).collect();
        Self(Some(Box::new(Headers(passed_on))))
    }

    /// Adds the headers to an outgoing request, unless the application has set a `traceparent`
    /// itself.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let Some(Headers(passed_on)) = self.0.as_deref() else {
            return;
        };
        if headers.contains_key(&TRACEPARENT) {
            return;
        }
        for (name, value) in passed_on {
            headers.append(name, value.clone());
        }
    }
}
