//! The fraction of traces to keep, decided by the trace id.

/// How many bits of a trace id are random (W3C Trace Context level 2, section 3.2.2.3.2).
const RANDOM_BITS: u32 = 56;

/// The fraction of traces to keep, as a threshold on the random part of the trace id.
///
/// This is OpenTelemetry's consistent probability sampling. A trace is kept when the right-most 56
/// bits of its id are at least the rejected fraction of their range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    rejected: u64,
}

impl Ratio {
    /// A fraction from 0.0 (none) to 1.0 (all).
    pub(crate) fn new(share: f64) -> Self {
        let whole = (1_u64 << RANDOM_BITS) as f64;
        // The cast saturates, and NaN becomes zero, so that all traces are kept.
        Self {
            rejected: ((1.0 - share.clamp(0.0, 1.0)) * whole) as u64,
        }
    }

    /// Whether a trace with this id is kept.
    pub(crate) fn keeps(self, trace_id: u128) -> bool {
        let random = (trace_id as u64) & ((1 << RANDOM_BITS) - 1);
        random >= self.rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(share: f64, random: u64, kept: bool) {
        // The upper bits must not matter.
        for upper in [0, u128::MAX << RANDOM_BITS] {
            assert_eq!(
                Ratio::new(share).keeps(upper | u128::from(random)),
                kept,
                "{share} {random:x}"
            );
        }
    }

    #[test]
    fn ratio_depends_on_the_random_bits_alone() {
        check(1.0, 0, true);
        check(0.0, (1 << RANDOM_BITS) - 1, false);
        check(0.5, 1 << 55, true);
        check(0.5, (1 << 55) - 1, false);
        check(0.25, 3 << 54, true);
        check(0.25, (3 << 54) - 1, false);
    }
}
