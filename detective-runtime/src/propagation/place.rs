//! The place of a request or piece of work in its trace.

use crate::propagation::{FLAG_RANDOM, FLAG_SAMPLED, Ratio, trace_id};

/// The place in the trace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trace {
    pub(crate) trace_id: u128,
    /// The parent of the record's outermost spans: the server span or, for detached work, the span
    /// that it was spawned in. Zero for work outside any request, whose first span is the root.
    pub(crate) span_id: u64,
    /// The server span's parent, or zero.
    pub(crate) parent_span_id: u64,
    /// W3C flags that are sent downstream.
    pub(crate) flags: u8,
    /// Whether the trace came from elsewhere, and whether it was sampled there.
    pub(crate) parent: Parent,
}

/// What the caller's `traceparent` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Parent {
    /// There was no `traceparent`: the trace begins here.
    #[default]
    None,
    /// The caller keeps the trace, so it is kept here.
    Sampled,
    /// The caller does not keep the trace.
    NotSampled,
}

impl Trace {
    /// No trace at all.
    pub(crate) const NONE: Self = Self {
        trace_id: 0,
        span_id: 0,
        parent_span_id: 0,
        flags: 0,
        parent: Parent::None,
    };

    /// Begins a trace here.
    pub(crate) fn root(ratio: Ratio) -> Self {
        let trace_id = trace_id();
        let sampled = if ratio.keeps(trace_id) {
            FLAG_SAMPLED
        } else {
            0
        };
        Self {
            trace_id,
            flags: FLAG_RANDOM | sampled,
            ..Self::NONE
        }
    }
}
