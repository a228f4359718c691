//! Time: one monotonic clock for durations, and what it reads in Unix time.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds of the monotonic clock since the program's first reading. Never zero, so that zero
/// can stand for "not yet".
pub(crate) fn now() -> u64 {
    nanos(ORIGIN.elapsed()).max(1)
}

/// A duration in whole nanoseconds; 584 years at most.
pub(crate) fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Turns readings of [`now`] into Unix time.
///
/// Made anew for each batch of records, so that an adjustment of the system's clock is followed,
/// and used for a whole record, so that the spans of one trace keep their distances.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnixClock {
    unix_nanos_at_origin: u64,
}

impl UnixClock {
    /// Reads both clocks.
    pub(crate) fn read() -> Self {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, nanos);
        Self {
            unix_nanos_at_origin: unix.saturating_sub(now()),
        }
    }

    /// Nanoseconds since the Unix epoch at the reading `monotonic`.
    pub(crate) fn unix_nanos(self, monotonic: u64) -> u64 {
        self.unix_nanos_at_origin.saturating_add(monotonic)
    }
}
