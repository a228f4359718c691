//! The trace context of a request that is not traced here.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::trace::propagation::{TRACEPARENT, TRACESTATE};

/// The headers of a trace that goes through this process without leaving a span in it.
///
/// A participant that does not trace forwards them as they came, so that the spans on both sides of
/// it stay one trace (W3C Trace Context level 2, section 4). They are not even read: what is
/// malformed is for the next one to judge.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassedOn(Vec<(HeaderName, HeaderValue)>);

impl PassedOn {
    /// Those among the headers of a request. Allocates nothing when there are none.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut passed_on = Vec::new();
        for name in [&TRACEPARENT, &TRACESTATE] {
            for value in headers.get_all(name) {
                passed_on.push((name.clone(), value.clone()));
            }
        }
        Self(passed_on)
    }

    /// Adds them to an outgoing request, unless the application has given it a trace itself.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if headers.contains_key(&TRACEPARENT) {
            return;
        }
        for (name, value) in &self.0 {
            headers.append(name, value.clone());
        }
    }
}
