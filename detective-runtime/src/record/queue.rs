//! The queue of finished records. It is bounded and takes no lock on either side.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Release, SeqCst};
use std::task::Poll;

use crossbeam_queue::ArrayQueue;
use futures_util::task::AtomicWaker;

use crate::metrics::thread_shard;
use crate::record::{SharedRecord, UniqueRecord};

/// Queues of finished records, one for each shard of threads, so that cores do not contend for one
/// queue. Beside each queue are the cleared records that its threads reuse.
#[derive(Debug)]
pub(crate) struct RecordQueue {
    /// Their number is a power of two.
    shards: Box<[Shard]>,
    capacity: usize,
    /// Set when nobody drains the queue any more.
    closed: AtomicBool,
    /// Set when enough records wait for an early drain; `drainer` is woken then.
    is_due: AtomicBool,
    drainer: AtomicWaker,
}

#[derive(Debug)]
struct Shard {
    finished: ArrayQueue<UniqueRecord>,
    empty: ArrayQueue<UniqueRecord>,
}

/// Most shards. More cores than this rarely finish requests at the same moment.
const MAX_SHARDS: usize = 8;

/// How many records, on average, wake the pipeline before its tick. A busy server then reuses the
/// same few records while they are still in the processor's cache.
const RECORDS_PER_WAKE: u64 = 256;

/// Most cleared records kept for each shard. A plain record is about one kilobyte.
const EMPTY_PER_SHARD: usize = 1024;

impl RecordQueue {
    /// A queue with room for at least `capacity` records in all.
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

    /// A cleared record, if one is left.
    #[inline]
    pub(crate) fn take_empty(&self) -> Option<UniqueRecord> {
        self.shards[self.home()].empty.pop()
    }

    /// Clears a record and keeps it for reuse.
    pub(crate) fn give_back(&self, mut record: UniqueRecord) {
        if self.closed.load(SeqCst) {
            return;
        }
        record.clear();
        // Back to the shard that it came from, since the threads of that shard take the next one.
        let _surplus = self.shards[record.home].empty.push(record);
        if self.closed.load(SeqCst) {
            self.forget_empty();
        }
    }

    /// Releases one reference to a finished record. The last one gives the record back.
    pub(crate) fn release(&self, record: SharedRecord) {
        if let Some(record) = UniqueRecord::last(record) {
            self.give_back(record);
        }
    }

    /// Queues a finished record. Now and then it wakes the pipeline, which is the only system call
    /// here. When this thread's shard is full, the other shards are tried. When all are full, or
    /// the queue is closed, the record is returned as the error.
    pub(crate) fn push(&self, record: UniqueRecord) -> Result<(), UniqueRecord> {
        if self.closed.load(SeqCst) {
            return Err(record);
        }
        // The serial is random, so no counter is needed.
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

    /// Resolves when a push has asked for an early drain since the last call. Only one task may
    /// wait at a time.
    pub(crate) async fn due(&self) {
        std::future::poll_fn(|task| {
            self.drainer.register(task.waker());
            if self.is_due.swap(false, AcqRel) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Refuses records from now on and drops the cleared ones. Each of them keeps its instance, and
    /// with it this queue, in memory.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
        self.forget_empty();
    }

    fn forget_empty(&self) {
        for shard in &self.shards {
            while shard.empty.pop().is_some() {}
        }
    }

    /// Takes at most `limit` of the waiting records.
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

    /// An instance for the records of a test.
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
    fn no_record_stays_when_records_come_back_during_close() {
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
    async fn a_drain_is_due_once_for_each_wake() {
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
