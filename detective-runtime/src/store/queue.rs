//! The task between the pipeline and the writer. While the database is unavailable, it keeps a
//! bounded number of rows in order.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{RowBatch, StoreError, Writer};
use crate::metrics::{DropReason, Part, QueueFill, Stats};

/// The wait after the first failed write. It doubles after each further failure.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// The longest wait between two attempts.
const LAST_RETRY: Duration = Duration::from_secs(5);

/// Most rows in one transaction. A copy of their texts stays in memory until it ends, and other
/// programs wait for it.
const TRANSACTION_ROWS: usize = 2_048;

/// Sends batches to the task that owns the [`Writer`].
#[derive(Debug)]
pub(crate) struct WriteQueue<B> {
    commands: mpsc::UnboundedSender<Command<B>>,
    /// Rows that were sent and not yet written, including those of the current batch.
    queued: Arc<AtomicUsize>,
    capacity: usize,
    stats: Arc<Stats>,
    task: JoinHandle<Result<(), StoreError>>,
}

#[derive(Debug)]
enum Command<B> {
    Write(B),
    /// Answered when everything before it is done.
    Flush(oneshot::Sender<()>),
}

impl<B: RowBatch> WriteQueue<B> {
    /// Starts the task on the current runtime. At most `capacity` rows wait in it
    /// (`store.queue_rows`). `recycle` receives each batch when its rows are written or lost.
    pub(crate) fn start(
        writer: Writer,
        capacity: usize,
        stats: Arc<Stats>,
        recycle: impl FnMut(B) + Send + 'static,
    ) -> Self {
        let (commands, receiver) = mpsc::unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let worker = Worker {
            writer,
            queued: Arc::clone(&queued),
            stats: Arc::clone(&stats),
            recycle,
        };
        Self {
            commands,
            queued,
            capacity,
            stats,
            task: tokio::spawn(worker.run(receiver)),
        }
    }

    /// Queues a batch without waiting. Rows that do not fit are dropped and counted.
    pub(crate) fn push(&self, mut batch: B) {
        let room = self.capacity.saturating_sub(self.depth());
        if batch.len() > room {
            let dropped = batch.len() - room;
            self.stats.dropped(DropReason::RowQueueFull, dropped as u64);
            batch.truncate(room);
        }
        if batch.len() > 0 {
            self.send(Command::Write(batch));
        }
    }

    /// Waits until every row that was queued before is written, or refused for good.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + use<B> {
        let (done, wait) = oneshot::channel();
        self.send(Command::Flush(done));
        async move {
            // An error means that the task has ended, so there is nothing left to wait for.
            let _ = wait.await;
        }
    }

    /// A function that reads how full the queue is. It may outlive the queue.
    pub(crate) fn fill(&self) -> impl Fn() -> QueueFill + Send + Sync + use<B> {
        let (queued, capacity) = (Arc::clone(&self.queued), self.capacity as u64);
        move || QueueFill {
            depth: queued.load(Relaxed) as u64,
            capacity,
        }
    }

    /// The number of rows that wait now.
    pub(crate) fn depth(&self) -> usize {
        self.queued.load(Relaxed)
    }

    /// Writes the remaining rows and closes the database.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unwritten`] when the deadline passes first; the rows are counted as dropped.
    pub(crate) async fn close(self, deadline: Instant) -> Result<(), StoreError> {
        let Self {
            commands,
            queued,
            stats,
            mut task,
            ..
        } = self;
        drop(commands);
        let result = tokio::time::timeout_at(deadline, &mut task).await;
        task.abort();
        match result {
            Ok(Ok(closed)) => closed,
            // The deadline passed, or the task is gone. Only an abort from outside can end it
            // early.
            Ok(Err(_)) | Err(_) => {
                let rows = queued.load(Relaxed) as u64;
                stats.dropped(DropReason::RowWriteFailed, rows);
                Err(StoreError::Unwritten { rows })
            }
        }
    }

    fn send(&self, command: Command<B>) {
        let rows = match &command {
            Command::Write(batch) => batch.len(),
            Command::Flush(_) => 0,
        };
        self.queued.fetch_add(rows, Relaxed);
        if self.commands.send(command).is_err() {
            // The runtime is shutting down and has ended the task.
            self.queued.fetch_sub(rows, Relaxed);
            self.stats.dropped(DropReason::RowWriteFailed, rows as u64);
        }
    }
}

struct Worker<R> {
    writer: Writer,
    queued: Arc<AtomicUsize>,
    stats: Arc<Stats>,
    recycle: R,
}

impl<R> Worker<R> {
    async fn run<B>(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command<B>>,
    ) -> Result<(), StoreError>
    where
        B: RowBatch,
        R: FnMut(B),
    {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Write(batch) => {
                    self.write(&batch).await;
                    (self.recycle)(batch);
                }
                Command::Flush(done) => {
                    // The receiver may have stopped waiting.
                    let _ = done.send(());
                }
            }
        }
        self.writer.close().await
    }

    /// Retries until each row is written or refused for good. If rows are refused together, each
    /// half is tried separately, until only the rows that cause the refusal remain.
    async fn write(&mut self, batch: &impl RowBatch) {
        let ids = self.writer.assign_ids(batch.len());
        let mut wait = FIRST_RETRY;
        let mut first = true;
        // The next part is at the end, so that the rows are written in order.
        let starts = (0..batch.len()).step_by(TRANSACTION_ROWS).rev();
        let mut parts: Vec<_> = starts
            .map(|start| start..batch.len().min(start + TRANSACTION_ROWS))
            .collect();
        while let Some(part) = parts.pop() {
            let rows = part.len() as u64;
            match self.writer.write(&ids, batch, part.clone()).await {
                Ok(written) => {
                    // After a failure, it is unknown how many rows of the batch were written
                    // already.
                    let lost = if first {
                        rows.saturating_sub(written)
                    } else {
                        0
                    };
                    self.wrote(&part, lost);
                }
                Err(StoreError::Refused { .. }) if rows > 1 => {
                    let Range { start, end } = part;
                    let middle = start + (end - start) / 2;
                    parts.extend([middle..end, start..middle]);
                }
                Err(error @ StoreError::Refused { .. }) => {
                    self.stats.failed(Part::Store, error.to_string());
                    self.stats.dropped(DropReason::RowWriteFailed, rows);
                    self.queued.fetch_sub(part.len(), Relaxed);
                }
                Err(error) => {
                    self.stats.failed(Part::Store, error.to_string());
                    parts.push(part);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LAST_RETRY);
                    first = false;
                }
            }
        }
    }

    /// Counts the rows of `part` as written, except those whose ids were taken.
    fn wrote(&self, part: &Range<usize>, lost: u64) {
        self.stats.succeeded(Part::Store);
        let written = part.len() as u64 - lost;
        self.stats.rows_written.fetch_add(written, Relaxed);
        if lost > 0 {
            self.stats.dropped(DropReason::RowWriteFailed, lost);
            let message = format!("{lost} rows have ids that are already taken");
            self.stats.failed(Part::Store, message);
        }
        self.queued.fetch_sub(part.len(), Relaxed);
    }
}
