//! Decides whether to contact a server after a failure.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Every failed probe doubles the pause, up to this. It is long enough that a service with few
/// requests does not pay a timeout for each, and short enough that a recovered server is soon used
/// again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A circuit breaker. It is closed while the server works. A failure opens it; then only one probe
/// is allowed after each pause. It takes no locks.
#[derive(Debug)]
pub(super) struct Circuit {
    created: Instant,
    /// The time of the next probe, in milliseconds after `created`; zero while the circuit is
    /// closed.
    next_probe: AtomicU64,
    /// The current pause in milliseconds.
    pause: AtomicU64,
}

/// The permission to contact the server once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// The circuit was closed.
    Ordinary,
    /// This call tests whether the server works again.
    Probe,
}

impl Circuit {
    pub(super) fn new() -> Self {
        Self {
            created: Instant::now(),
            next_probe: AtomicU64::new(0),
            pause: AtomicU64::new(millis(FIRST_PAUSE)),
        }
    }

    /// Whether to contact the server. A permit need not be used: if a probe is cancelled, another
    /// follows after the pause.
    pub(super) fn admit(&self) -> Option<Permit> {
        let next_probe = self.next_probe.load(Acquire);
        if next_probe == 0 {
            return Some(Permit::Ordinary);
        }
        if self.now() < next_probe {
            return None;
        }
        let after_this = self.now() + self.pause.load(Relaxed);
        self.next_probe
            .compare_exchange(next_probe, after_this, AcqRel, Acquire)
            .ok()
            .map(|_| Permit::Probe)
    }

    /// Records that the server answered.
    pub(super) fn succeeded(&self) {
        if self.next_probe.load(Acquire) != 0 {
            self.pause.store(millis(FIRST_PAUSE), Relaxed);
            self.next_probe.store(0, Release);
        }
    }

    /// Records that the server did not answer.
    pub(super) fn failed(&self, permit: Permit) {
        match permit {
            // Of all concurrent calls, the first to fail opens the circuit.
            Permit::Ordinary => {
                let next_probe = self.now() + self.pause.load(Relaxed);
                let _ = self
                    .next_probe
                    .compare_exchange(0, next_probe, AcqRel, Acquire);
            }
            Permit::Probe => {
                let pause = (self.pause.load(Relaxed) * 2).min(millis(LONGEST_PAUSE));
                self.pause.store(pause, Relaxed);
                self.next_probe.store(self.now() + pause, Release);
            }
        }
    }

    fn now(&self) -> u64 {
        millis(self.created.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(circuit: &mut Circuit, time: Duration) {
        circuit.created -= time;
    }

    #[test]
    fn after_a_failure_only_one_probe_per_pause_is_allowed() {
        let mut circuit = Circuit::new();
        assert_eq!(circuit.admit(), Some(Permit::Ordinary));
        circuit.failed(Permit::Ordinary);
        assert_eq!(circuit.admit(), None);
        pass(&mut circuit, FIRST_PAUSE);
        assert_eq!(circuit.admit(), Some(Permit::Probe));
        assert_eq!(circuit.admit(), None, "one probe at a time");
        circuit.failed(Permit::Probe);
        pass(&mut circuit, FIRST_PAUSE);
        assert_eq!(circuit.admit(), None, "the pause has doubled");
        pass(&mut circuit, FIRST_PAUSE);
        assert_eq!(circuit.admit(), Some(Permit::Probe));
        circuit.succeeded();
        assert_eq!(circuit.admit(), Some(Permit::Ordinary));
    }

    #[test]
    fn a_cancelled_probe_is_followed_by_another() {
        let mut circuit = Circuit::new();
        circuit.failed(Permit::Ordinary);
        for _ in 0..2 {
            pass(&mut circuit, FIRST_PAUSE);
            assert_eq!(circuit.admit(), Some(Permit::Probe));
        }
    }
}
