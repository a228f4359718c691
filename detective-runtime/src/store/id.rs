//! Row ids: 64 bits, ordered by time, unique across writers.

use std::time::{Duration, SystemTime};

/// Bits that count rows within one millisecond.
const SEQUENCE_BITS: u32 = 10;
/// Bits that tell writers apart.
const WRITER_BITS: u32 = 12;
/// 2020-01-01T00:00:00Z; 41 bits of milliseconds from there last until 2089.
const EPOCH: Duration = Duration::from_millis(1_577_836_800_000);

/// Makes the ids of one writer. From the highest bit: a zero, 41 bits of milliseconds since 2020,
/// 12 bits of the writer, 10 bits of sequence.
#[derive(Debug)]
pub(super) struct IdGenerator {
    writer: u64,
    /// Milliseconds and sequence of the last id, side by side. Adding one to a full sequence
    /// borrows the next millisecond.
    last: u64,
}

impl IdGenerator {
    /// A generator for the writer with dictionary id `writer` (modulo 4096). All its ids are above
    /// `highest`, even if the clock was set back after that id was made.
    pub(super) fn new(writer: i64, highest: i64) -> Self {
        let highest = highest.unsigned_abs();
        Self {
            writer: writer.unsigned_abs() % (1 << WRITER_BITS),
            last: (highest >> (SEQUENCE_BITS + WRITER_BITS)) << SEQUENCE_BITS
                | (highest & ((1 << SEQUENCE_BITS) - 1)),
        }
    }

    /// Continues as a generator for another writer, above `highest` and above its own ids.
    pub(super) fn follow(&mut self, writer: i64, highest: i64) {
        let other = Self::new(writer, highest);
        self.writer = other.writer;
        self.last = self.last.max(other.last);
    }

    /// The next `count` ids, ascending.
    pub(super) fn take(&mut self, now: SystemTime, count: usize) -> Vec<i64> {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH + EPOCH)
            .unwrap_or_default()
            .as_millis() as u64;
        (0..count).map(|_| self.next(now)).collect()
    }

    fn next(&mut self, now_ms: u64) -> i64 {
        self.last = (now_ms << SEQUENCE_BITS).max(self.last + 1);
        let milliseconds = self.last >> SEQUENCE_BITS;
        let sequence = self.last & ((1 << SEQUENCE_BITS) - 1);
        let id = (milliseconds << WRITER_BITS | self.writer) << SEQUENCE_BITS | sequence;
        id as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + EPOCH + Duration::from_millis(milliseconds)
    }

    #[test]
    fn an_id_contains_time_writer_and_sequence() {
        let mut ids = IdGenerator::new(4096 + 3, 0);
        let ids = ids.take(at(5), 2);
        assert_eq!(ids, [5 << 22 | 3 << 10, 5 << 22 | 3 << 10 | 1]);
    }

    #[test]
    fn a_full_millisecond_borrows_the_next() {
        let mut ids = IdGenerator::new(1, 0);
        let many = ids.take(at(5), 1025);
        assert_eq!(many[1024], 6 << 22 | 1 << 10);
        // The clock only now reaches the borrowed millisecond.
        assert_eq!(ids.take(at(6), 1), [6 << 22 | 1 << 10 | 1]);
        assert!(many.is_sorted());
    }

    #[test]
    fn ids_grow_when_the_clock_is_set_back() {
        let mut before = IdGenerator::new(1, 0);
        let highest = before.take(at(1_000), 3)[2];
        let mut after = IdGenerator::new(1, highest);
        assert!(after.take(at(10), 1)[0] > highest);
    }
}
