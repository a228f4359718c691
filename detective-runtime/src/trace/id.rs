//! Ids of traces and spans.

/// A new trace id: 128 random bits, never zero.
pub(crate) fn trace_id() -> u128 {
    fastrand::u128(1..)
}

/// A new span id: 64 random bits, never zero.
pub(crate) fn span_id() -> u64 {
    fastrand::u64(..).max(1)
}
