//! Ids of traces and spans.

/// A new trace id: 128 random bits, never zero.
pub(crate) fn trace_id() -> u128 {
    fastrand::u128(1..)
}

/// The id of a record's first span; the spans below it get the ids that follow. 63 random bits, so
/// that the ids do not wrap, and never zero.
#[inline]
pub(crate) fn first_span_id() -> u64 {
    (fastrand::u64(..) >> 1).max(1)
}
