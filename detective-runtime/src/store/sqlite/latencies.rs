//! Starts and durations packed by kind and minute: the source of counts, rates and percentiles.
//!
//! They replace an index over the rows. One packed entry for all rows of a batch with the same kind
//! and minute costs a fraction of one index entry for each row, and is read faster.

use std::sync::Arc;

use sqlx::Arguments as _;
use sqlx::sqlite::SqliteArguments;

/// Columns of the table `latencies`.
const COLUMNS: usize = 5;
/// Entries per statement.
pub(super) const CHUNKS: [usize; 3] = [64, 8, 1];
/// Bytes of one row: [`Latency::start_us`] within its hour (4 bytes), then [`Latency::time_us`].
const PACKED_BYTES: usize = 12;

const MICROSECONDS_PER_MINUTE: i64 = 60_000_000;
const MINUTES_PER_HOUR: i64 = 60;
const MICROSECONDS_PER_HOUR: i64 = MINUTES_PER_HOUR * MICROSECONDS_PER_MINUTE;

/// When a row began, in microseconds since 1970, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Latency {
    pub(super) start_us: i64,
    pub(super) time_us: i64,
}

/// One row of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: i64,
    pub(super) id: i64,
    pub(super) latency: Latency,
}

impl Entry {
    fn key(&self) -> (i64, i64, i64) {
        (self.kind, minute(self.latency.start_us), self.id)
    }
}

/// Minutes since 1970.
pub(super) fn minute(microseconds: i64) -> i64 {
    microseconds.div_euclid(MICROSECONDS_PER_MINUTE)
}

/// The first microsecond of a minute.
pub(super) fn start_of_minute(minute: i64) -> i64 {
    minute * MICROSECONDS_PER_MINUTE
}

/// The last microsecond of a minute.
pub(super) fn end_of_minute(minute: i64) -> i64 {
    start_of_minute(minute) + MICROSECONDS_PER_MINUTE - 1
}

/// Hours since 1970.
pub(super) fn hour(minute: i64) -> i64 {
    minute.div_euclid(MINUTES_PER_HOUR)
}

/// The statement for `entries` entries. It handles no conflicts: the rows of an existing entry
/// exist too, and were removed before.
pub(super) fn statement(entries: usize) -> Arc<str> {
    let entry = format!("(?{})", ", ?".repeat(COLUMNS - 1));
    let entries = vec![entry; entries].join(", ");
    format!("INSERT INTO latencies VALUES {entries}").into()
}

/// The arguments of the statements that add the rows, each with its statement's index in
/// [`CHUNKS`].
pub(super) fn pack(
    entries: &mut [Entry],
) -> Result<Vec<(usize, SqliteArguments)>, sqlx::error::BoxDynError> {
    entries.sort_unstable_by_key(Entry::key);
    let packed: Vec<_> = entries
        .chunk_by(|one, other| {
            (one.kind, minute(one.latency.start_us)) == (other.kind, minute(other.latency.start_us))
        })
        .collect();
    let mut packed = &packed[..];
    let mut statements = Vec::new();
    for (place, chunk) in CHUNKS.into_iter().enumerate() {
        while let Some((now, rest)) = packed.split_at_checked(chunk) {
            packed = rest;
            let mut arguments = SqliteArguments::default();
            arguments.reserve(chunk * COLUMNS, 0);
            for entries in now {
                bind(&mut arguments, entries)?;
            }
            statements.push((place, arguments));
        }
    }
    Ok(statements)
}

fn bind(
    arguments: &mut SqliteArguments,
    entries: &[Entry],
) -> Result<(), sqlx::error::BoxDynError> {
    let [first, ..] = entries else {
        return Ok(());
    };
    let minute = minute(first.latency.start_us);
    let hour = hour(minute);
    let mut bytes = Vec::with_capacity(entries.len() * PACKED_BYTES);
    for Entry { latency, .. } in entries {
        let offset = (latency.start_us - hour * MICROSECONDS_PER_HOUR) as u32;
        bytes.extend_from_slice(&offset.to_be_bytes());
        bytes.extend_from_slice(&latency.time_us.to_be_bytes());
    }
    arguments.add(first.kind)?;
    arguments.add(hour)?;
    arguments.add(minute)?;
    arguments.add(first.id)?;
    arguments.add(bytes)
}

/// Reads what [`pack`] has packed in one hour.
pub(super) fn unpack(hour: i64, bytes: &[u8]) -> impl Iterator<Item = Latency> {
    let (rows, _) = bytes.as_chunks::<PACKED_BYTES>();
    rows.iter()
        .map(move |&[a, b, c, d, ref time @ ..]| Latency {
            start_us: hour * MICROSECONDS_PER_HOUR + i64::from(u32::from_be_bytes([a, b, c, d])),
            time_us: i64::from_be_bytes(*time),
        })
}
