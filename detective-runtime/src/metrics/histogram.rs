//! A histogram of durations that any thread can add to without waiting.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bounds::Bounds;
use super::shard::{self, LINE_CELLS, Line};

/// Durations counted by bucket, with the trace of one of them for each bucket.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: Bounds,
    lines_per_shard: usize,
    /// For each shard, the sum in nanoseconds and then the count of each bucket. With the default
    /// bounds, this fills exactly one line.
    lines: Box<[Line]>,
    exemplars: Mutex<Vec<Option<Exemplar>>>,
    /// The times of the exemplars, so that the lock is taken only to replace one.
    exemplar_times: Box<[AtomicU64]>,
}

/// An exemplar is replaced only by one that is this much later. So only a few requests set
/// exemplars, however many end. Scrapes are rarely more frequent than once a second.
const EXEMPLAR_INTERVAL_NANOS: u64 = 100_000_000;

/// One request that was counted in a bucket, and its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exemplar {
    pub(super) nanos: u64,
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    /// When it ended, in nanoseconds since 1970.
    pub(super) unix_nanos: u64,
}

/// The content of a histogram when it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// The number of durations in each bucket (not cumulative), `+Inf` last.
    pub(super) buckets: Vec<u64>,
    pub(super) sum_nanos: u64,
}

impl Snapshot {
    /// The number of durations. Derived from the buckets, so that the two always agree.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

impl Histogram {
    pub(super) fn new(bounds: Bounds) -> Self {
        let lines_per_shard = (bounds.buckets() + 1).div_ceil(LINE_CELLS);
        let lines = lines_per_shard * shard::count();
        // Far from any real time, so that the first exemplar is set.
        let never = std::iter::repeat_with(|| AtomicU64::new(u64::MAX));
        let exemplar_times = never.take(bounds.buckets()).collect();
        Self {
            bounds,
            lines_per_shard,
            lines: std::iter::repeat_with(Line::default).take(lines).collect(),
            exemplars: Mutex::default(),
            exemplar_times,
        }
    }

    /// Counts one duration in the copy `shard`, which is [`shard::current`].
    #[inline]
    pub(super) fn observe(&self, shard: usize, nanos: u64) {
        let cell = self.bounds.bucket_of(nanos) + 1;
        let first = shard * self.lines_per_shard;
        self.lines[first].0[0].fetch_add(nanos, Relaxed);
        self.lines[first + cell / LINE_CELLS].0[cell % LINE_CELLS].fetch_add(1, Relaxed);
    }

    /// Keeps `exemplar` for the bucket of its duration, unless the bucket's exemplar is nearly as
    /// new. May take a lock, so it is not for the request path.
    pub(super) fn set_exemplar(&self, exemplar: Exemplar) {
        let bucket = self.bounds.bucket_of(exemplar.nanos);
        let time = &self.exemplar_times[bucket];
        // `abs_diff`, because after the clock was set back, the old exemplar seems to be in the
        // future.
        if exemplar.unix_nanos.abs_diff(time.load(Relaxed)) < EXEMPLAR_INTERVAL_NANOS {
            return;
        }
        time.store(exemplar.unix_nanos, Relaxed);
        let mut exemplars = self.lock_exemplars();
        exemplars.resize(self.bounds.buckets(), None);
        exemplars[bucket] = Some(exemplar);
    }

    /// The exemplar of each bucket; empty if there are none.
    pub(super) fn exemplars(&self) -> Vec<Option<Exemplar>> {
        self.lock_exemplars().clone()
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            buckets: vec![0; self.bounds.buckets()],
            sum_nanos: 0,
        };
        for lines in self.lines.chunks(self.lines_per_shard) {
            let mut cells = lines.iter().flat_map(|line| &line.0);
            if let Some(sum) = cells.next() {
                snapshot.sum_nanos = snapshot.sum_nanos.wrapping_add(sum.load(Relaxed));
            }
            for (bucket, cell) in snapshot.buckets.iter_mut().zip(cells) {
                *bucket += cell.load(Relaxed);
            }
        }
        snapshot
    }

    fn lock_exemplars(&self) -> MutexGuard<'_, Vec<Option<Exemplar>>> {
        // Each exemplar is a plain value, so a poisoned lock protects nothing half-written.
        self.exemplars
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrent_durations_are_all_counted() {
        const THREADS: u64 = 8;
        const EACH: u64 = 10_000;
        let histogram = Histogram::new(Bounds::from_seconds(&[0.000_000_1, 0.000_001]));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    (0..EACH).for_each(|nanos| histogram.observe(shard::current(), nanos))
                });
            }
        });
        let expected = Snapshot {
            buckets: vec![THREADS * 101, THREADS * 900, THREADS * (EACH - 1001)],
            sum_nanos: THREADS * EACH * (EACH - 1) / 2,
        };
        assert_eq!(histogram.snapshot(), expected);
        assert_eq!(histogram.snapshot().count(), THREADS * EACH);
    }

    #[test]
    fn more_buckets_than_a_line_holds_are_kept_apart() {
        let seconds: Vec<f64> = (1..=40).map(f64::from).collect();
        let histogram = Histogram::new(Bounds::from_seconds(&seconds));
        for second in 1..=41 {
            histogram.observe(shard::current(), second * 1_000_000_000);
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.buckets, vec![1; 41]);
        assert_eq!(snapshot.sum_nanos, 861 * 1_000_000_000);
    }

    #[test]
    fn an_exemplar_is_kept_for_its_bucket_and_replaced_by_a_later_one() {
        let histogram = Histogram::new(Bounds::from_seconds(&[1.0]));
        assert_eq!(histogram.exemplars(), []);
        let exemplar = |nanos, unix_nanos| Exemplar {
            nanos,
            trace_id: 1,
            span_id: 2,
            unix_nanos,
        };
        let first = exemplar(5, 3);
        histogram.set_exemplar(first);
        histogram.set_exemplar(exemplar(6, 4));
        assert_eq!(histogram.exemplars(), [Some(first), None]);
        let later = exemplar(1_000_000_000, 3 + EXEMPLAR_INTERVAL_NANOS);
        histogram.set_exemplar(later);
        assert_eq!(
            histogram.exemplars(),
            [Some(later), None],
            "a duration equal to the bound is within it"
        );
    }
}
