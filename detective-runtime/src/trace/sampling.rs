//! Which traces are kept.
//!
//! The flag that is sent downstream is decided when the request begins, by a ratio that depends on
//! the trace id alone, so that all services agree. Whether this process keeps the trace is decided
//! when the outcome is known: errors and slow requests always are.

use crate::record::{Parent, Record};
use crate::store::Outcome;

/// How many bits of a trace id are random (W3C Trace Context level 2, section 3.2.2.3.2).
const RANDOM_BITS: u32 = 56;

/// The share of traces to keep, as a threshold on the random part of the trace id.
///
/// OpenTelemetry's consistent probability sampling: a trace is kept when its randomness, the
/// right-most 56 bits of its id, is at least the share that is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    rejected: u64,
}

impl Ratio {
    /// A share from 0.0 (none) to 1.0 (all).
    pub(crate) fn new(share: f64) -> Self {
        let whole = (1_u64 << RANDOM_BITS) as f64;
        // The cast saturates, and NaN becomes zero: then all traces are kept.
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

/// Why a trace is kept; the value of the `detective.keep` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It failed.
    Error,
    /// It took longer than its threshold.
    Slow,
    /// The caller keeps it.
    Parent,
    /// Its id is among those that are kept.
    Ratio,
}

impl Keep {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Slow => "slow",
            Self::Parent => "parent",
            Self::Ratio => "ratio",
        }
    }
}

/// Whether the trace of a finished record is kept, and why.
///
/// A reason that all services share comes first, since a trace that is kept only because it failed
/// or was slow here may lack the spans of other services.
pub(crate) fn decide(record: &Record, ratio: Ratio, slow_nanos: u64) -> Option<Keep> {
    let failed = match record.response.outcome {
        // An answer of 4xx says whose error it was; one that looks fine hides it.
        Some(Outcome::Ok) => record.failed,
        Some(Outcome::ClientError) => false,
        Some(_) => true,
        None => {
            record.panicked
                || record
                    .spans
                    .first()
                    .is_some_and(|span| span.error.is_some())
        }
    };
    match record.trace.parent {
        Parent::Sampled => Some(Keep::Parent),
        Parent::None if ratio.keeps(record.trace.trace_id) => Some(Keep::Ratio),
        _ if failed => Some(Keep::Error),
        _ if record.end.saturating_sub(record.start) >= slow_nanos => Some(Keep::Slow),
        _ => None,
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
