//! Makes the metrics' observation of a finished request.

use crate::metrics::{ErrorType, Observation};
use crate::record::{Outcome, Record};

/// The status for a request that the shutdown cut off before the response head.
const SERVICE_UNAVAILABLE: u16 = 503;

/// The status for a request that the client abandoned before the response head. nginx introduced
/// it.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The metrics' observation of a finished request.
pub(crate) fn observation(record: &Record) -> Observation {
    let in_histogram = || {
        let slot = record.request.slot.as_ref()?;
        Some(record.owner.snapshot.route(slot).histogram)
    };
    let outcome = record.response.outcome;
    let status = match record.response.status {
        0 if outcome == Some(Outcome::Shutdown) => SERVICE_UNAVAILABLE,
        0 => CLIENT_CLOSED_REQUEST,
        status => status,
    };
    Observation {
        status,
        nanos: record.end.saturating_sub(record.start),
        in_histogram: !record.response.endless && in_histogram().unwrap_or(true),
        error: match outcome {
            Some(Outcome::Panic) => Some(ErrorType::Panic),
            Some(Outcome::ClientDisconnect) => Some(ErrorType::ClientDisconnect),
            Some(Outcome::Timeout) => Some(ErrorType::Timeout),
            Some(Outcome::Shutdown) => Some(ErrorType::Shutdown),
            Some(Outcome::Ok | Outcome::ClientError | Outcome::ServerError) | None => None,
        },
        version: record.request.version.unwrap_or_default().into(),
        scheme: record.request.scheme(),
    }
}
