//! The copy of a sharded cell that the current thread writes.
//!
//! Cores that write to one cache line wait for each other. So a cell that every request writes has
//! several copies, each on its own cache line, and a reader adds them up. A thread keeps the same
//! copy for life. If there are more threads than copies, threads share copies.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};

/// More copies than this cost memory and scrape time without reducing contention.
const MAX_SHARDS: usize = 16;

/// The number of cells on one [`Line`].
pub(super) const LINE_CELLS: usize = 16;

/// The cells of one shard. 128 bytes, because current processors fetch cache lines of 64 bytes in
/// pairs, and some have lines of 128.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Line(pub(super) [AtomicU64; LINE_CELLS]);

/// The number of copies of every sharded cell: the processors available to this program, rounded up
/// to a power of two, at most 16.
pub(super) fn count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        std::thread::available_parallelism()
            .map_or(1, std::num::NonZero::get)
            .next_power_of_two()
            .min(MAX_SHARDS)
    })
}

/// The copy of the current thread, always less than [`count`].
#[inline]
pub(crate) fn current() -> usize {
    thread_local! {
        static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    SHARD.with(|shard| match shard.get() {
        usize::MAX => {
            let assigned = assign();
            shard.set(assigned);
            assigned
        }
        assigned => assigned,
    })
}

#[cold]
#[inline(never)]
fn assign() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Relaxed) % count()
}
