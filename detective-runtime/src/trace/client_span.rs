//! The span of a call to another process.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};

use crate::export::SpanKind;
use crate::propagation::{TRACEPARENT, TRACESTATE, Trace, format_traceparent};
use crate::record::{HeadText, SpanError};
use crate::trace::context;
use crate::trace::context::Scope;
use crate::trace::span::{End, OpenSpan};
use crate::value::Value;

/// A span below the current one. It ends when it is dropped. Outside a recorded trace it records
/// nothing and costs almost nothing.
#[derive(Debug)]
pub(crate) struct ClientSpan {
    span: Option<OpenSpan>,
    error: Option<Box<SpanError>>,
}

impl ClientSpan {
    /// Begins a child of the span that is current on this thread.
    pub(crate) fn start(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Self {
        let name = name.into();
        Self::start_with(kind, || name)
    }

    /// The same, with a name that is made only when the span is recorded.
    pub(crate) fn start_with(kind: SpanKind, name: impl FnOnce() -> Cow<'static, str>) -> Self {
        Self {
            span: OpenSpan::named_by(name, kind),
            error: None,
        }
    }

    /// Whether attributes are recorded. If not, the caller need not make them.
    pub(crate) fn is_recording(&self) -> bool {
        self.span.as_ref().is_some_and(OpenSpan::is_recorded)
    }

    /// Sets an attribute.
    pub(crate) fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &self.span {
            span.set(Cow::Borrowed(key), value.into());
        }
    }

    /// Marks the span as failed. The last call wins.
    pub(crate) fn fail(
        &mut self,
        error_type: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) {
        self.error = Some(Box::new(SpanError {
            error_type: error_type.into(),
            message: message.into(),
        }));
    }

    /// Writes `traceparent` and `tracestate`, so that the callee's span becomes a child of this
    /// one.
    ///
    /// If this span is not recorded, the callee's span becomes a child of the enclosing one. If
    /// nothing is traced, the incoming trace headers are passed on.
    pub(crate) fn inject(&self, headers: &mut HeaderMap) {
        context::with_scope(|scope| match scope {
            Scope::Record(record) if record.trace.trace_id != 0 => {
                let own = self.span.as_ref().and_then(|span| span.id_in(record));
                let trace = Trace {
                    span_id: own.unwrap_or_else(|| record.current_span_id()),
                    ..record.trace
                };
                write(
                    headers,
                    trace,
                    record.request.texts.get(HeadText::TraceState),
                );
            }
            Scope::Record(record) => record.request.passed_on.write(headers),
            Scope::Excluded(passed_on) => passed_on.write(headers),
        });
    }
}

fn write(headers: &mut HeaderMap, trace: Trace, trace_state: &str) {
    let traceparent = format_traceparent(trace.trace_id, trace.span_id, trace.flags);
    if let Ok(value) = HeaderValue::from_bytes(&traceparent) {
        headers.insert(&TRACEPARENT, value);
    }
    match HeaderValue::from_str(trace_state) {
        Ok(state) if !trace_state.is_empty() => headers.insert(&TRACESTATE, state),
        _ => headers.remove(&TRACESTATE),
    };
}

impl Drop for ClientSpan {
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            span.end(self.error.take().map_or(End::Completed, End::Failed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_made_for_a_span_that_is_not_recorded() {
        let name = || panic!("nobody would see it");
        assert!(!ClientSpan::start_with(SpanKind::Client, name).is_recording());
    }
}
