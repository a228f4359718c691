//! Time: one monotonic clock for durations, and its conversion to Unix time.

use std::fs;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

static MONOTONIC: LazyLock<Monotonic> = LazyLock::new(Monotonic::choose);

/// The monotonic clock that is read.
#[derive(Debug)]
enum Monotonic {
    /// The processor's own counter: 12 ns for a reading where the system's clock takes 32.
    Counter { clock: quanta::Clock, origin: u64 },
    /// The system's monotonic clock.
    System { origin: Instant },
}

impl Monotonic {
    /// The counter, unless the system has found that the processors' counters disagree. Measures its
    /// frequency, which takes a millisecond or two, and 200 at most.
    fn choose() -> Self {
        if is_counter_distrusted() {
            return Self::System {
                origin: Instant::now(),
            };
        }
        // `quanta` itself falls back to the system's clock when the processor has no steady
        // counter.
        let clock = quanta::Clock::new();
        let origin = clock.raw();
        Self::Counter { clock, origin }
    }
}

/// Whether Linux uses one of its fallback clocks. It does so when the processors' counters are not
/// steady or not synchronized.
fn is_counter_distrusted() -> bool {
    const CURRENT: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    fs::read_to_string(CURRENT).is_ok_and(|name| {
        matches!(
            name.trim(),
            "hpet" | "acpi_pm" | "jiffies" | "refined-jiffies"
        )
    })
}

/// Initializes the clock, so that no request waits for it.
pub(crate) fn prepare() {
    LazyLock::force(&MONOTONIC);
}

/// Nanoseconds of a monotonic clock since it was initialized. Never zero, so that zero can mean
/// "not yet".
#[inline]
pub(crate) fn now() -> u64 {
    let nanos = match &*MONOTONIC {
        Monotonic::Counter { clock, origin } => clock.delta_as_nanos(*origin, clock.raw()),
        Monotonic::System { origin } => nanos(origin.elapsed()),
    };
    nanos.max(1)
}

/// A duration in whole nanoseconds, at most 584 years.
pub(crate) fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A time as all answers write it; empty beyond the year 9999.
pub(crate) fn text(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| String::new(), |time| format!("{time:.6}"))
}

/// Turns readings of [`now`] into Unix time.
///
/// Read again for each batch of records, so that it follows adjustments of the system's clock. All
/// spans of a record use the same value, so that their distances stay exact.
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
