//! Which traces are kept.
//!
//! The flag that is sent downstream is decided when the request begins. It depends only on the
//! trace id and a ratio, so that all services agree. Whether this process keeps the trace is
//! decided when the outcome is known: errors and slow requests are always kept.

use crate::propagation::{Parent, Ratio};
use crate::record::{Outcome, Record};

/// Why a trace is kept; the value of the `detective.keep` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It failed.
    Error,
    /// It took longer than its threshold.
    Slow,
    /// The caller keeps the trace.
    Parent,
    /// The ratio keeps this trace id.
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
/// Reasons that all services share come first. A trace that is kept only because it failed or was
/// slow here may lack the spans of other services.
pub(crate) fn decide(record: &Record, ratio: Ratio, slow_nanos: u64) -> Option<Keep> {
    let failed = match record.response.outcome {
        // A 4xx response blames the client. A successful response can hide a failed handler.
        Some(Outcome::Ok) => record.handler.failed,
        Some(Outcome::ClientError) => false,
        Some(_) => true,
        None => {
            record.handler.panicked
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
