//! Ids of traces and spans.

/// A new trace id: 128 random bits, never zero.
pub(crate) fn trace_id() -> u128 {
    fastrand::u128(1..)
}

/// The id of a record's first span, and the first of a run of ids for those below it: 63 random bits,
/// so that the run does not wrap, and never zero.
#[inline]
pub(crate) fn first_span_id() -> u64 {
    (fastrand::u64(..) >> 1).max(1)
}
