//! Requests in flight.

use std::sync::atomic::Ordering::Relaxed;

use super::observation::Scheme;
use super::shard::{self, LINE_CELLS, Line};

/// Counts requests that began and that ended. There are two counters instead of one that goes up
/// and down: a request may end on another thread than it began on, and a route that was never used
/// differs from an idle one.
#[derive(Debug)]
pub(super) struct InFlight(Box<[Line]>);

/// The two cells of each scheme.
const STARTED: usize = 0;
const FINISHED: usize = 1;

const _: () = assert!(
    Scheme::ALL.len() * 2 <= LINE_CELLS,
    "a line has two cells for each scheme"
);

impl InFlight {
    pub(super) fn new() -> Self {
        let lines = std::iter::repeat_with(Line::default);
        Self(lines.take(shard::count()).collect())
    }

    #[inline]
    pub(super) fn start(&self, scheme: Scheme) {
        self.add(scheme, STARTED);
    }

    #[inline]
    pub(super) fn finish(&self, scheme: Scheme) {
        self.add(scheme, FINISHED);
    }

    #[inline]
    fn add(&self, scheme: Scheme, which: usize) {
        self.0[shard::current()].0[scheme as usize * 2 + which].fetch_add(1, Relaxed);
    }

    /// The number of requests in flight over `scheme`; `None` if there never was one.
    pub(super) fn read(&self, scheme: Scheme) -> Option<u64> {
        let sum = |which: usize| -> u64 {
            let cells = self
                .0
                .iter()
                .map(|line| &line.0[scheme as usize * 2 + which]);
            cells.map(|cell| cell.load(Relaxed)).sum()
        };
        // In this order, a request that ends meanwhile cannot make the difference negative.
        let finished = sum(FINISHED);
        let started = sum(STARTED);
        (started > 0).then(|| started.saturating_sub(finished))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_end_on_any_thread() {
        let in_flight = InFlight::new();
        assert_eq!(in_flight.read(Scheme::Http), None);
        for _ in 0..8 {
            in_flight.start(Scheme::Http);
        }
        assert_eq!(in_flight.read(Scheme::Http), Some(8));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| in_flight.finish(Scheme::Http));
            }
        });
        assert_eq!(in_flight.read(Scheme::Http), Some(0));
        assert_eq!(in_flight.read(Scheme::Https), None);
    }
}
