//! Requests counted by response status.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use once_cell::race::OnceBox;

use super::shard;

/// The number of statuses on a page, and also the number of pages: together they cover every number
/// below 1,024. The statuses in use of one class are close together (400 to 415, 500 to 511), so a
/// route needs two or three pages of this size.
const PAGE: usize = 32;

/// One counter for each status. It takes no lock, and no memory for the hundreds of unused
/// statuses.
#[derive(Debug)]
pub(super) struct StatusCounters(Box<[Shard]>);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard([OnceBox<Page>; PAGE]);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Page([AtomicU64; PAGE]);

impl StatusCounters {
    pub(super) fn new() -> Self {
        let shards = std::iter::repeat_with(Shard::default);
        Self(shards.take(shard::count()).collect())
    }

    /// Counts one request in the copy `shard`, which is [`shard::current`]. The first request of a
    /// page allocates the page.
    #[inline]
    pub(super) fn add(&self, shard: usize, status: u16) {
        let status = usize::from(known(status));
        let page = &self.0[shard].0[status / PAGE];
        let page = match page.get() {
            Some(page) => page,
            None => first_of_page(page),
        };
        page.0[status % PAGE].fetch_add(1, Relaxed);
    }

    /// Every status that was counted at least once, ascending, with its count.
    pub(super) fn snapshot(&self) -> Vec<(u16, u64)> {
        let count = |status: u16| {
            let pages = self.0.iter().map(|shard| &shard.0);
            let pages = pages.filter_map(|pages| pages[usize::from(status) / PAGE].get());
            pages
                .map(|page| page.0[usize::from(status) % PAGE].load(Relaxed))
                .sum()
        };
        (0..1000)
            .map(|status| (status, count(status)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// The status itself if HTTP can send it, otherwise 0 (none).
#[inline]
pub(super) fn known(status: u16) -> u16 {
    if (100..1000).contains(&status) {
        status
    } else {
        0
    }
}

#[cold]
#[inline(never)]
fn first_of_page(page: &OnceBox<Page>) -> &Page {
    page.get_or_init(Box::default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_own_count() {
        let counters = StatusCounters::new();
        for status in 100..1000 {
            counters.add(shard::current(), status);
        }
        counters.add(shard::current(), 200);
        let expected: Vec<_> = (100..1000)
            .map(|status| (status, if status == 200 { 2 } else { 1 }))
            .collect();
        assert_eq!(counters.snapshot(), expected);
    }

    #[test]
    fn a_number_that_is_no_status_counts_as_none() {
        let counters = StatusCounters::new();
        for status in [0, 1, 99, 1000, 1023, 1024, u16::MAX] {
            counters.add(shard::current(), status);
        }
        assert_eq!(counters.snapshot(), [(0, 7)]);
    }

    #[test]
    fn concurrent_requests_are_all_counted() {
        let counters = StatusCounters::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for turn in 0..10_000 {
                        counters.add(shard::current(), if turn % 10 == 0 { 500 } else { 200 });
                    }
                });
            }
        });
        assert_eq!(counters.snapshot(), [(200, 72_000), (500, 8_000)]);
    }
}
