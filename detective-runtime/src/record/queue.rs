//! The queue of finished records: bounded, and without a lock on either side.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Release, SeqCst};
use std::task::Poll;

use crossbeam_queue::ArrayQueue;
use futures_util::task::AtomicWaker;

use crate::metrics::thread_shard;
use crate::record::{SharedRecord, UniqueRecord};

/// Queues of finished records, one for each shard of threads, so that cores do not meet in one; and
/// beside each the emptied records that its threads use again.
#[derive(Debug)]
pub(crate) struct RecordQueue {
    /// A power of two of them.
    shards: Box<[Shard]>,
    capacity: usize,
    /// Nobody drains any more.
    closed: AtomicBool,
    /// There is enough to be worth a drain before its time, and who is to be told.
    is_due: AtomicBool,
    drainer: AtomicWaker,
}

#[derive(Debug)]
struct Shard {
    finished: ArrayQueue<UniqueRecord>,
    empty: ArrayQueue<UniqueRecord>,
}

/// Most shards: more cores than this do not usually finish requests at the same moment.
const MAX_SHARDS: usize = 8;

/// How many records wake the pipeline before its tick, on average: a busy server then uses the same
/// few records again while they are still in the processor's cache.
const RECORDS_PER_WAKE: u64 = 256;

/// Emptied records kept for each shard. A plain record is about one kilobyte.
const EMPTY_PER_SHARD: usize = 1024;

impl RecordQueue {
    /// Room for `capacity` records in all.
    pub(crate) fn new(capacity: usize) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let count = threads.next_power_of_two().min(MAX_SHARDS);
        let per_shard = capacity.div_ceil(count).max(1);
        let shards = std::iter::repeat_with(|| Shard {
            finished: ArrayQueue::new(per_shard),
            empty: ArrayQueue::new(EMPTY_PER_SHARD),
        });
        Self {
            shards: shards.take(count).collect(),
            capacity: per_shard * count,
            closed: AtomicBool::new(false),
            is_due: AtomicBool::new(false),
            drainer: AtomicWaker::new(),
        }
    }

    /// A record to fill again, if one is left.
    #[inline]
    pub(crate) fn take_empty(&self) -> Option<UniqueRecord> {
        self.shards[self.home()].empty.pop()
    }

    /// Gives a record back to be filled again; called where records end, not where they begin.
    pub(crate) fn give_back(&self, mut record: UniqueRecord) {
        if self.closed.load(SeqCst) {
            return;
        }
        record.clear();
        // To the threads that it came from, since those take the next one.
        let _surplus = self.shards[record.home].empty.push(record);
        if self.closed.load(SeqCst) {
            self.forget_empty();
        }
    }

    /// Lets go of a finished record; the last of its holders gives it back.
    pub(crate) fn release(&self, record: SharedRecord) {
        if let Some(record) = UniqueRecord::last(record) {
            self.give_back(record);
        }
    }

    /// Hands a finished record over, and wakes the pipeline now and then, which is the one system call.
    /// When this thread's queue is full the others' are tried; when
    /// all are full, or nobody drains them any more, the record comes back.
    pub(crate) fn push(&self, record: UniqueRecord) -> Result<(), UniqueRecord> {
        if self.closed.load(SeqCst) {
            return Err(record);
        }
        // The serial is random, which spares counting.
        if record.serial.is_multiple_of(RECORDS_PER_WAKE) {
            self.is_due.store(true, Release);
            self.drainer.wake();
        }
        self.push_to_any(record)?;
        if self.closed.load(SeqCst) {
            // The queue closed while we pushed, so it may never be drained: take one record back.
            return self.drain(1).next().map_or(Ok(()), Err);
        }
        Ok(())
    }

    fn push_to_any(&self, record: UniqueRecord) -> Result<(), UniqueRecord> {
        let mut record = match self.shards[self.home()].finished.push(record) {
            Ok(()) => return Ok(()),
            Err(record) => record,
        };
        for shard in &self.shards {
            match shard.finished.push(record) {
                Ok(()) => return Ok(()),
                Err(returned) => record = returned,
            }
        }
        Err(record)
    }

    /// Resolves when enough records have come since it last did to be worth a drain before its time.
    /// One waits at a time.
    pub(crate) async fn due(&self) {
        std::future::poll_fn(|task| {
            self.drainer.register(task.waker());
            match self.is_due.swap(false, AcqRel) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// Refuses records from now on, and forgets the empty ones: each keeps its instance, and with it
    /// this queue, in memory.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
        self.forget_empty();
    }

    fn forget_empty(&self) {
        for shard in &self.shards {
            while shard.empty.pop().is_some() {}
        }
    }

    /// Takes what is there, at most `limit` records.
    pub(crate) fn drain(&self, limit: usize) -> impl Iterator<Item = UniqueRecord> {
        self.shards
            .iter()
            .flat_map(|shard| std::iter::from_fn(|| shard.finished.pop()))
            .take(limit)
    }

    /// How many records are waiting.
    pub(crate) fn depth(&self) -> usize {
        self.shards.iter().map(|shard| shard.finished.len()).sum()
    }

    /// How many records can wait.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The shard of this thread.
    pub(crate) fn home(&self) -> usize {
        thread_shard() & (self.shards.len() - 1)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::config::Loader;
    use crate::record::{Instance, Kind};

    /// An instance, with records that are its own.
    fn instance() -> Arc<Instance> {
        let loaded = Loader::isolated("").load().unwrap();
        Arc::new(Instance::new(&loaded, Arc::default()))
    }

    fn record(instance: &Arc<Instance>, serial: u64) -> UniqueRecord {
        let mut record = instance.begin(Kind::Work);
        record.serial = serial;
        record.home = 0;
        record
    }

    #[test]
    fn nothing_stays_when_records_come_back_while_it_closes() {
        let instance = instance();
        for _ in 0..2_000 {
            let (one, other) = (record(&instance, 1), record(&instance, 1));
            let records = RecordQueue::new(8);
            std::thread::scope(|scope| {
                scope.spawn(|| records.give_back(one));
                scope.spawn(|| drop(records.push(other)));
                records.close();
                records.drain(8).for_each(drop);
            });
            let empty = records.shards.iter().map(|shard| shard.empty.len());
            assert_eq!(empty.sum::<usize>() + records.depth(), 0);
        }
    }

    #[tokio::test]
    async fn a_drain_is_due_when_a_record_says_so() {
        let instance = instance();
        let records = RecordQueue::new(8);
        let soon = std::time::Duration::from_millis(20);
        records
            .push(record(&instance, RECORDS_PER_WAKE + 1))
            .unwrap();
        assert!(tokio::time::timeout(soon, records.due()).await.is_err());
        records.push(record(&instance, RECORDS_PER_WAKE)).unwrap();
        records.due().await;
        assert!(tokio::time::timeout(soon, records.due()).await.is_err());
    }
}
