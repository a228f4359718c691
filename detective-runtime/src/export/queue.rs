//! The bounded queue between the pipeline and an exporter.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, timeout_at};

use super::{Batch, Ender, Ending, ExportError, ExportSpan, Exporter, Outcome};
use crate::config::Jaeger;
use crate::metrics::{DropReason, Part, QueueFill, Stats};

/// Spans of one trace that came together, and wait in the form in which they came.
pub(crate) trait TracePart: Send + 'static {
    /// What encodes them, with what it keeps from one to the next.
    type Encoder: Default + Send;

    /// How many spans there are.
    fn len(&self) -> usize;

    /// Appends some of the spans to a batch.
    fn encode(&self, part: Range<usize>, encoder: &mut Self::Encoder, batch: &mut Batch);

    /// The spans as values.
    fn spans(&self) -> Vec<ExportSpan>;
}

/// Collects kept traces into batches and exports them, one batch at a time, on a task of its own.
/// Only there are they encoded, so that an exporter that is off costs nothing.
///
/// At most `jaeger.queue_spans` spans wait, besides the batch that is under way. A record counts
/// with all its spans and waits as it is: that of a plain request takes about one kilobyte, where
/// its two spans would take two. Dropping the queue without [`close`](Self::close) loses what waits.
#[derive(Debug)]
pub(crate) struct ExportQueue<T> {
    shared: Arc<Shared<T>>,
    ender: Ender,
    task: JoinHandle<Result<(), ExportError>>,
}

impl<T: TracePart> ExportQueue<T> {
    /// Starts the task on the current tokio runtime. `recycle` gets what was pushed when it is
    /// encoded, or when nobody wants it to be.
    pub(crate) fn start(
        exporter: Exporter,
        config: &Jaeger,
        stats: Arc<Stats>,
        recycle: impl FnMut(T) + Send + 'static,
    ) -> Self {
        let (finished, _) = watch::channel(0);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                depth: 0,
                pushed: 0,
                hurry_until: 0,
                closing: false,
                panicked: false,
            }),
            wake: Notify::new(),
            finished,
            stats,
            capacity: config.queue_spans,
            // More never wait at one time.
            batch_spans: config.batch_spans.min(config.queue_spans).max(1),
            flush_interval: config.flush_interval,
        });
        let ender = Ender::new();
        let task = run(Arc::clone(&shared), exporter, ender.watch(), recycle);
        Self {
            shared,
            ender,
            task: tokio::spawn(task),
        }
    }

    /// Queues what came at one time. Spans that do not fit are counted as dropped; that of which
    /// nothing fits comes back.
    pub(crate) fn push(&self, parts: impl IntoIterator<Item = T>) -> Vec<T> {
        let shared = &self.shared;
        let mut state = shared.lock();
        let was_empty = state.depth == 0;
        let mut excess = 0;
        let mut refused = Vec::new();
        let room = if state.panicked { 0 } else { shared.capacity };
        for part in parts {
            let wanted = part.len();
            let spans = wanted.min(room.saturating_sub(state.depth));
            excess += wanted - spans;
            if spans == 0 {
                refused.push(part);
                continue;
            }
            state.depth += spans;
            state.pushed += spans as u64;
            state.waiting.push_back(Waiting { part, spans });
        }
        if excess > 0 {
            let excess = excess as u64;
            let reason = match state.panicked {
                true => DropReason::SpanExportFailed,
                false => DropReason::SpanQueueFull,
            };
            shared.stats.dropped(reason, excess);
        }
        if (was_empty && state.depth > 0) || state.depth >= shared.batch_spans {
            shared.wake.notify_one();
        }
        refused
    }

    /// Reads how full the queue is, from anywhere and for as long as it is wanted.
    pub(crate) fn fill(&self) -> impl Fn() -> QueueFill + Send + Sync + use<T> {
        let shared = Arc::clone(&self.shared);
        move || QueueFill {
            depth: shared.lock().depth as u64,
            capacity: shared.capacity as u64,
        }
    }

    /// Exports everything that was pushed so far, without waiting for full batches. Returns when
    /// it was exported or given up.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + use<T> {
        let target = {
            let mut state = self.shared.lock();
            state.hurry_until = state.pushed;
            state.pushed
        };
        self.shared.wake.notify_one();
        let mut finished = self.shared.finished.subscribe();
        async move {
            // An error means that the queue is gone, and everything with it.
            let _ = finished.wait_for(|finished| *finished >= target).await;
        }
    }

    /// Exports what waits, until `deadline`, and ends the task.
    ///
    /// # Errors
    ///
    /// The last failure on the way, or [`ExportError::Unfinished`]. What was lost has been counted.
    pub(crate) async fn close(mut self, deadline: Instant) -> Result<(), ExportError> {
        self.shared.lock().closing = true;
        self.ender.end(deadline);
        self.shared.wake.notify_one();
        match timeout_at(deadline, &mut self.task).await {
            Ok(Ok(result)) => result,
            // What it left behind was counted when it ended.
            Ok(Err(_)) => Err(ExportError::Client(PANICKED.to_owned())),
            Err(_) => {
                self.task.abort();
                let mut state = self.shared.lock();
                let left = (state.pushed - *self.shared.finished.borrow()) as usize;
                state.clear();
                self.shared
                    .stats
                    .dropped(DropReason::SpanExportFailed, left as u64);
                Err(ExportError::Unfinished { left })
            }
        }
    }
}

impl<T> Drop for ExportQueue<T> {
    fn drop(&mut self) {
        self.task.abort();
        // The records hold their instance, whose metrics hold this queue.
        self.shared.lock().clear();
    }
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    wake: Notify,
    /// How many spans were exported or given up.
    finished: watch::Sender<u64>,
    stats: Arc<Stats>,
    capacity: usize,
    batch_spans: usize,
    flush_interval: Duration,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<Waiting<T>>,
    /// How many spans wait.
    depth: usize,
    /// How many spans were ever accepted.
    pushed: u64,
    /// Do not wait for full batches before this many spans are finished.
    hurry_until: u64,
    closing: bool,
    /// The task is gone, and takes nothing any more.
    panicked: bool,
}

#[derive(Debug)]
struct Waiting<T> {
    part: T,
    /// How many of its spans there was room for.
    spans: usize,
}

impl<T> State<T> {
    fn clear(&mut self) {
        self.waiting.clear();
        self.depth = 0;
    }

    /// Takes what came first: as much as goes into one batch, or one trace that is larger.
    fn take_batch(&mut self, batch_spans: usize) -> Vec<Waiting<T>> {
        let mut batch = Vec::new();
        let mut spans = 0;
        while let Some(next) = self
            .waiting
            .pop_front_if(|next| spans == 0 || spans + next.spans <= batch_spans)
        {
            spans += next.spans;
            batch.push(next);
        }
        self.depth -= spans;
        batch
    }
}

/// How the end of the task by a panic is told.
const PANICKED: &str = "the task that exports spans panicked, spans are lost until the program is \
                        started again";

/// Tells when the task ends by a panic, and accounts for what it leaves behind.
struct Watcher<T>(Arc<Shared<T>>);

impl<T> Drop for Watcher<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let shared = &self.0;
        let mut state = shared.lock();
        state.panicked = true;
        state.clear();
        let left = state.pushed - *shared.finished.borrow();
        drop(state);
        shared.stats.dropped(DropReason::SpanExportFailed, left);
        shared.stats.failed(Part::Exporter, PANICKED.to_owned());
        // Nobody waits for what will not come.
        shared.finish(left as usize);
    }
}

fn count<T>(taken: &[Waiting<T>]) -> usize {
    taken.iter().map(|waiting| waiting.spans).sum()
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics with the lock held; if it did, the queue would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next batch: a full one, or what has come within the flush interval. `None`
    /// when the queue is closed and empty.
    async fn next_batch(&self) -> Option<Vec<Waiting<T>>> {
        while self.is_empty() {
            if self.lock().closing {
                return None;
            }
            self.wake.notified().await;
        }
        let deadline = Instant::now() + self.flush_interval;
        while !self.is_due() && timeout_at(deadline, self.wake.notified()).await.is_ok() {}

        Some(self.lock().take_batch(self.batch_spans))
    }

    fn is_empty(&self) -> bool {
        self.lock().depth == 0
    }

    /// Notes that spans were exported or given up.
    fn finish(&self, spans: usize) {
        self.finished
            .send_modify(|finished| *finished += spans as u64);
    }

    /// Whether a batch goes out before its time.
    fn is_due(&self) -> bool {
        let state = self.lock();
        state.depth >= self.batch_spans
            || state.closing
            || *self.finished.borrow() < state.hurry_until
    }
}

async fn run<T: TracePart>(
    shared: Arc<Shared<T>>,
    mut exporter: Exporter,
    mut ending: Ending,
    mut recycle: impl FnMut(T),
) -> Result<(), ExportError> {
    let _watcher = Watcher(Arc::clone(&shared));
    let mut result_of_closing = Ok(());
    let mut packer = Packer::default();
    while let Some(mut taken) = shared.next_batch().await {
        let total = count(&taken);
        if exporter.is_off() {
            // Nobody is spoken to, so that nothing is encoded or counted as exported.
            taken.into_iter().for_each(|waiting| recycle(waiting.part));
            shared.finish(total);
            continue;
        }
        // More than one only for a trace that is larger than a batch, and therefore alone.
        for start in (0..total).step_by(shared.batch_spans) {
            let spans = start..total.min(start + shared.batch_spans);
            let length = spans.len();
            let is_last = spans.end == total;
            packer.pack(&exporter, &taken, spans);
            if is_last {
                let done = taken.drain(..);
                done.for_each(|waiting| recycle(waiting.part));
            }
            let outcome = packer.send(&mut exporter, &mut ending).await;
            let result = outcome.account(&shared.stats);
            if shared.lock().closing && result.is_err() {
                result_of_closing = result;
            }
            shared.finish(length);
        }
    }
    result_of_closing
}

/// The batch under way, in the form that the exporter takes.
#[derive(Debug, Default)]
struct Packer<E> {
    encoder: E,
    encoded: Option<Batch>,
    values: Vec<ExportSpan>,
}

impl<E> Packer<E> {
    /// Packs these spans of each trace, as far as it has them.
    fn pack<T>(&mut self, exporter: &Exporter, taken: &[Waiting<T>], spans: Range<usize>)
    where
        T: TracePart<Encoder = E>,
    {
        let parts = taken.iter().map(|waiting| {
            let end = spans.end.min(waiting.spans);
            (&waiting.part, spans.start..end)
        });
        if let Exporter::Otlp(otlp) = exporter {
            let batch = self.encoded.get_or_insert_with(|| otlp.batch());
            batch.clear();
            for (part, spans) in parts {
                part.encode(spans, &mut self.encoder, batch);
            }
        } else {
            for (part, spans) in parts {
                let values = part.spans().into_iter();
                self.values.extend(values.take(spans.end).skip(spans.start));
            }
        }
    }

    async fn send(&mut self, exporter: &mut Exporter, ending: &mut Ending) -> Outcome {
        match (exporter, &mut self.encoded) {
            (Exporter::Otlp(otlp), Some(batch)) => otlp.export(batch, ending).await,
            (exporter, _) => {
                exporter
                    .export(std::mem::take(&mut self.values), ending)
                    .await
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::config::Protocol;
    use crate::export::ExportSpan;
    use crate::export::MemoryExporter;
    use crate::export::tests::{refusing_port, resource, span};
    use crate::pipeline::Kept;
    use crate::pipeline::kept_tests::{has_recycled, request};
    use crate::testing;

    struct Fixture {
        queue: ExportQueue<Kept>,
        memory: MemoryExporter,
        stats: Arc<Stats>,
    }

    /// Room for ten spans, in batches of four, every second.
    fn start() -> Fixture {
        let memory = MemoryExporter::default();
        let stats = Arc::new(Stats::default());
        let exporter = Exporter::Memory(memory.clone());
        let queue = ExportQueue::start(exporter, &config(), Arc::clone(&stats), drop);
        Fixture {
            queue,
            memory,
            stats,
        }
    }

    fn config() -> Jaeger {
        Jaeger {
            queue_spans: 10,
            batch_spans: 4,
            flush_interval: Duration::from_secs(1),
            timeout: Duration::from_millis(200),
            ..Jaeger::default()
        }
    }

    fn spans(count: usize) -> Vec<ExportSpan> {
        (0..count).map(|index| span(&index.to_string())).collect()
    }

    /// Traces of one span each.
    fn traces(count: usize) -> Vec<Kept> {
        spans(count)
            .into_iter()
            .map(|span| Kept::Spans(vec![span]))
            .collect()
    }

    /// One trace of so many spans.
    fn trace(spans: usize) -> [Kept; 1] {
        [Kept::Spans(self::spans(spans))]
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_goes_out_when_it_is_full_or_late() {
        let Fixture {
            queue,
            memory,
            stats,
        } = start();
        queue.push(traces(6));
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(memory.spans().len(), 4);
        assert_eq!(queue.fill()().depth, 2);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(memory.spans(), spans(6));
        assert_eq!(stats.spans_exported.load(Relaxed), 6);
        assert_eq!(stats.exchanges(Part::Exporter), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_is_counted() {
        let Fixture {
            queue,
            memory,
            stats,
        } = start();
        queue.push(traces(7));
        queue.push(traces(7));
        queue.push(traces(1));
        assert_eq!(queue.fill()().depth, queue.fill()().capacity);
        assert_eq!(stats.dropped_count(DropReason::SpanQueueFull), 5);
        queue.flush().await;
        assert_eq!(memory.spans().len(), 10);
        queue.push(traces(1));
        queue.flush().await;
        assert_eq!(memory.spans().len(), 11);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_never_larger_than_the_queue() {
        let config = Jaeger {
            queue_spans: 3,
            ..config()
        };
        let memory = MemoryExporter::default();
        let exporter = Exporter::Memory(memory.clone());
        let queue = ExportQueue::start(exporter, &config, Arc::default(), drop);
        queue.push(traces(3));
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(memory.spans().len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trace_is_divided_only_when_it_is_larger_than_a_batch() {
        let Fixture {
            queue,
            memory,
            stats,
        } = start();
        queue.push(trace(3));
        queue.push(trace(3));
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(memory.spans().len(), 3);
        queue.flush().await;
        assert_eq!(stats.exchanges(Part::Exporter), (2, 0));
        queue.push(trace(9));
        queue.flush().await;
        assert_eq!(memory.spans().len(), 15);
        assert_eq!(stats.exchanges(Part::Exporter), (5, 0));
    }

    #[tokio::test]
    async fn a_record_takes_the_room_of_its_spans() {
        let (_detective, sinks) = testing::start("").await.unwrap();
        let Fixture {
            queue,
            memory,
            stats,
        } = start();
        queue.push([request(&sinks.instance, 7), request(&sinks.instance, 7)]);
        assert_eq!(queue.fill()().depth, 10);
        assert_eq!(stats.dropped_count(DropReason::SpanQueueFull), 4);
        let refused = queue.push([request(&sinks.instance, 2)]);
        assert_eq!(stats.dropped_count(DropReason::SpanQueueFull), 6);
        assert_eq!(refused.len(), 1);
        queue.flush().await;
        assert_eq!(queue.fill()().depth, 0);
        assert_eq!(memory.spans().len(), 10);
    }

    #[tokio::test]
    async fn an_exporter_that_is_off_finishes_and_counts_nothing() {
        let (_detective, sinks) = testing::start("").await.unwrap();
        let stats = Arc::new(Stats::default());
        let instance = Arc::clone(&sinks.instance);
        let recycle = move |kept: Kept| kept.recycle(&instance);
        let queue = ExportQueue::start(Exporter::Off, &config(), Arc::clone(&stats), recycle);
        queue.push([request(&sinks.instance, 3), request(&sinks.instance, 3)]);
        queue.flush().await;
        assert_eq!(queue.fill()().depth, 0);
        assert!(has_recycled(&sinks.instance));
        queue.push([request(&sinks.instance, 3)]);
        queue
            .close(Instant::now() + Duration::from_secs(5))
            .await
            .unwrap();
        assert_eq!(stats.spans_exported.load(Relaxed), 0);
        assert_eq!(stats.exchanges(Part::Exporter), (0, 0));
    }

    #[tokio::test]
    async fn a_panic_of_the_task_is_told_and_holds_nobody_up() {
        let stats = Arc::new(Stats::default());
        let exporter = Exporter::Memory(MemoryExporter::default());
        let recycle = |_: Kept| panic!("the task's own panic");
        let queue = ExportQueue::start(exporter, &config(), Arc::clone(&stats), recycle);
        queue.push(traces(6));
        let flushed = tokio::time::timeout(Duration::from_secs(5), queue.flush()).await;
        flushed.unwrap();
        assert_eq!(stats.dropped_count(DropReason::SpanExportFailed), 6);
        let (told, _) = stats.trouble(Part::Exporter).last.unwrap();
        assert!(told.contains("panicked"), "{told}");
        queue.push(traces(2));
        assert_eq!(stats.dropped_count(DropReason::SpanExportFailed), 8);
        assert_eq!(queue.fill()().depth, 0);
        let deadline = Instant::now() + Duration::from_secs(5);
        let error = queue.close(deadline).await.unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
        assert_eq!(stats.dropped_count(DropReason::SpanExportFailed), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn flush_waits_for_no_interval() {
        let Fixture { queue, memory, .. } = start();
        let start = Instant::now();
        queue.flush().await;
        queue.push(traces(9));
        queue.flush().await;
        assert_eq!(memory.spans().len(), 9);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn close_exports_what_waits() {
        let Fixture { queue, memory, .. } = start();
        queue.push(traces(9));
        let start = Instant::now();
        queue.close(start + Duration::from_secs(5)).await.unwrap();
        assert_eq!(memory.spans().len(), 9);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[cfg(feature = "otlp-http")]
    #[tokio::test]
    async fn failures_are_counted_and_the_queue_goes_on() {
        let (_socket, port) = refusing_port();
        let config = Jaeger {
            endpoint: format!("http://127.0.0.1:{port}"),
            protocol: Protocol::OtlpHttp,
            ..config()
        };
        let stats = Arc::new(Stats::default());
        let exporter = Exporter::build(&config, resource(), &stats).unwrap();
        let queue = ExportQueue::start(exporter, &config, Arc::clone(&stats), drop);
        queue.push(traces(6));
        queue.flush().await;
        assert_eq!(stats.dropped_count(DropReason::SpanExportFailed), 6);
        assert_eq!(stats.exchanges(Part::Exporter), (0, 2));
        queue.push(traces(1));
        let error = queue
            .close(Instant::now() + Duration::from_secs(5))
            .await
            .unwrap_err();
        assert!(
            matches!(error, ExportError::Failed { lost: 1, .. }),
            "{error}"
        );
        assert_eq!(stats.dropped_count(DropReason::SpanExportFailed), 7);
    }

    #[cfg(feature = "otlp-http")]
    #[tokio::test]
    async fn a_server_that_hangs_cannot_hold_up_the_end() {
        // It accepts connections and never answers.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Jaeger {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            protocol: Protocol::OtlpHttp,
            timeout: Duration::from_secs(60),
            ..config()
        };
        let stats = Arc::new(Stats::default());
        let exporter = Exporter::build(&config, resource(), &stats).unwrap();
        let queue = ExportQueue::start(exporter, &config, Arc::clone(&stats), drop);
        queue.push(traces(6));
        let deadline = Instant::now() + Duration::from_millis(50);
        let error = queue.close(deadline).await.unwrap_err();
        assert!(
            matches!(error, ExportError::Unfinished { left: 6 }),
            "{error}"
        );
        assert_eq!(stats.dropped_count(DropReason::SpanExportFailed), 6);
    }
}
