//! The upper bounds of a histogram's buckets, and which bucket a duration falls in.

use std::sync::Arc;

/// Bucket bounds in nanoseconds, shared by all histograms with the same bounds.
#[derive(Debug, Clone)]
pub(crate) struct Bounds(Arc<Table>);

#[derive(Debug)]
struct Table {
    /// For each bit length of a duration, the first bucket that such a duration can be in. The
    /// search starts there. If each bound is about twice the previous one, it ends after a step or
    /// two.
    first: [u16; 65],
    /// Ascending inclusive upper bounds. The last one stands for `+Inf`, so that every search ends.
    upper: Box<[u64]>,
}

/// Further bounds are dropped, since each bound is a series of its own for every route.
const MAX_BOUNDS: usize = 256;

impl Bounds {
    /// Bounds in seconds, in any order. Negative, non-finite and repeated bounds are left out.
    /// Bounds are rounded to nanoseconds, and at most 256 are kept.
    pub(crate) fn from_seconds(seconds: &[f64]) -> Self {
        let mut upper: Vec<u64> = seconds
            .iter()
            .filter(|bound| bound.is_finite() && **bound >= 0.0)
            // The conversion saturates, so a bound beyond 584 years is `+Inf`.
            .map(|bound| (bound * 1e9).round() as u64)
            .filter(|bound| *bound != u64::MAX)
            .collect();
        upper.sort_unstable();
        upper.dedup();
        upper.truncate(MAX_BOUNDS);
        upper.push(u64::MAX);
        let first = std::array::from_fn(|bits| {
            let smallest = if bits == 0 { 0 } else { 1 << (bits - 1) };
            upper.partition_point(|bound| *bound < smallest) as u16
        });
        Self(Arc::new(Table {
            first,
            upper: upper.into_boxed_slice(),
        }))
    }

    /// The number of buckets, including `+Inf`.
    pub(super) fn buckets(&self) -> usize {
        self.0.upper.len()
    }

    /// The bucket of a duration: the first whose bound is at least the duration.
    #[inline]
    pub(super) fn bucket_of(&self, nanos: u64) -> usize {
        let table = &*self.0;
        let bits = (u64::BITS - nanos.leading_zeros()) as usize;
        let mut bucket = usize::from(table.first[bits]);
        while nanos > table.upper[bucket] {
            bucket += 1;
        }
        bucket
    }

    /// The finite bounds in seconds, ascending.
    pub(crate) fn seconds(&self) -> impl Iterator<Item = f64> + '_ {
        let finite = &self.0.upper[..self.buckets() - 1];
        finite.iter().map(|nanos| seconds(*nanos))
    }
}

/// Converts nanoseconds to seconds. Division keeps `5_000_000` equal to the literal `0.005`.
pub(super) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bounds: &[f64], nanos: u64, expected: usize) {
        let found = Bounds::from_seconds(bounds).bucket_of(nanos);
        assert_eq!(found, expected, "{nanos} ns among {bounds:?}");
    }

    #[test]
    fn a_duration_falls_in_the_first_bucket_that_holds_it() {
        let bounds = [0.005, 0.01, 1.0];
        check(&bounds, 0, 0);
        check(&bounds, 4_999_999, 0);
        check(&bounds, 5_000_000, 0);
        check(&bounds, 5_000_001, 1);
        check(&bounds, 10_000_000, 1);
        check(&bounds, 1_000_000_000, 2);
        check(&bounds, 1_000_000_001, 3);
        check(&bounds, u64::MAX, 3);
        check(&[], 0, 0);
        check(&[], u64::MAX, 0);
        check(&[0.0, 1.0], 0, 0);
        check(&[0.0, 1.0], 1, 1);
    }

    #[test]
    fn the_search_agrees_with_a_plain_one() {
        let seconds = crate::config::Metrics::default().buckets;
        let bounds = Bounds::from_seconds(&seconds);
        for shift in 0..64 {
            for nanos in [(1_u64 << shift) - 1, 1 << shift, (1 << shift) + 1] {
                let plain = bounds.0.upper.iter().position(|bound| nanos <= *bound);
                assert_eq!(Some(bounds.bucket_of(nanos)), plain, "{nanos} ns");
            }
        }
    }

    #[test]
    fn bounds_are_sorted_and_unusable_ones_left_out() {
        let bounds =
            Bounds::from_seconds(&[1.0, 0.005, f64::NAN, -1.0, f64::INFINITY, 1.0, 1e300, 2.5]);
        assert_eq!(bounds.seconds().collect::<Vec<_>>(), [0.005, 1.0, 2.5]);
        assert_eq!(bounds.buckets(), 4);
    }

    #[test]
    fn default_bounds_come_back_as_they_were_written() {
        let seconds = crate::config::Metrics::default().buckets;
        let bounds = Bounds::from_seconds(&seconds);
        assert_eq!(bounds.seconds().collect::<Vec<_>>(), seconds);
    }
}
