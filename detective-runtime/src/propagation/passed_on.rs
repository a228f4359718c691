//! The trace context of a request that is not traced here.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::propagation::{TRACEPARENT, TRACESTATE};

/// Whether this program has a client that sends traces along: what is never sent need not be copied
/// from every request.
static HAS_CLIENT: AtomicBool = AtomicBool::new(false);

/// Called where such a client is made.
#[cfg(feature = "http-client")]
pub(crate) fn expect_client() {
    HAS_CLIENT.store(true, Relaxed);
}

/// The headers of a trace that goes through this process without leaving a span in it.
///
/// A participant that does not trace forwards them as they came, so that the spans on both sides of
/// it stay one trace (W3C Trace Context level 2, section 4). They are not even read: what is
/// malformed is for the next one to judge.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassedOn(Option<Box<Headers>>);

/// Boxed together, since most requests bring none and the context that holds this is moved often.
#[derive(Debug, Clone)]
struct Headers(Vec<(HeaderName, HeaderValue)>);

impl PassedOn {
    /// Those among the headers of a request, when the config believes them and somebody sends them on.
    /// Allocates nothing when there are none.
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

    /// Adds them to an outgoing request, unless the application has given it a trace itself.
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
