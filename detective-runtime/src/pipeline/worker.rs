//! The work of the pipeline thread: it drains finished records on a tick, decides about traces, and
//! feeds the sinks.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use crate::clock::UnixClock;
use crate::error::ShutdownError;
use crate::export::{ExportQueue, ExportSpan};
use crate::metrics::DropReason;
use crate::pipeline::kept::Kept;
use crate::pipeline::late::{Fate, LateSpans};
use crate::pipeline::rows::{RowRecords, RowSink};
use crate::pipeline::spans;
use crate::pipeline::thread::Command;
use crate::record::{
    Instance, Kind, Outcome, Owner, Record, SharedRecord, Span, UniqueRecord, What, observation,
};
use crate::store::BATCH_ROWS;
use crate::trace;
use crate::trace::Keep;

/// The most records of one drain, so that the sinks run in between.
const DRAIN_LIMIT: usize = 8192;

/// The destinations of finished records.
#[derive(Debug)]
pub(crate) struct Sinks {
    /// Kept traces.
    pub(crate) export: ExportQueue<Kept>,
    /// Rows.
    pub(crate) rows: RowSink,
}

/// Drains finished records, and decides what to keep of each.
pub(super) struct Worker {
    instance: Arc<Instance>,
    sinks: Sinks,
    late: LateSpans,
    /// The kept traces of the current drain. The exporter gets them in one push.
    kept: Vec<Kept>,
    /// Rows that wait for more rows, because a larger transaction costs less per row.
    rows: Vec<SharedRecord>,
}

impl Worker {
    pub(super) fn new(instance: Arc<Instance>, sinks: Sinks) -> Self {
        Self {
            instance,
            sinks,
            late: LateSpans::default(),
            kept: Vec::new(),
            rows: Vec::new(),
        }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Command>) {
        let tick = self
            .instance
            .snapshot()
            .config
            .pipeline
            .tick
            .max(Duration::from_millis(1));
        let instance = Arc::clone(&self.instance);
        let mut ticks = tokio::time::interval(tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(Command::Flush(done)) => self.flush(true, done).await,
                    Some(Command::FlushRows(done)) => self.flush(false, done).await,
                    Some(Command::Close(deadline, done)) => {
                        self.drain_all().await;
                        self.instance.records.close();
                        // Records that were pushed before the queue closed.
                        self.drain_all().await;
                        self.push_rows();
                        let result = self.sinks.close(deadline).await;
                        if let Err(Err(error)) = done.send(result) {
                            // The pipeline was dropped without a shutdown, so the log is the only
                            // report.
                            tracing::warn!("{error}");
                        }
                        return;
                    }
                    None => return,
                },
                _ = ticks.tick() => {
                    self.drain_all().await;
                    self.push_rows();
                }
                () = instance.records.due() => self.drain_all().await,
            }
        }
    }

    /// Drains, and reports when the sinks have processed everything. It does not wait for the sinks
    /// itself, because they may be slow.
    async fn flush(&mut self, with_traces: bool, done: oneshot::Sender<()>) {
        self.drain_all().await;
        self.push_rows();
        let rows = self.sinks.rows.flush();
        let traces = with_traces.then(|| self.sinks.export.flush());
        tokio::task::spawn_local(async move {
            rows.await;
            if let Some(traces) = traces {
                traces.await;
            }
            let _gone = done.send(());
        });
    }

    /// Drains all records that were queued at the start of the call, and perhaps more. If requests
    /// end faster than it drains, it stops after one full queue.
    async fn drain_all(&mut self) {
        let rounds = self.instance.records.capacity().div_ceil(DRAIN_LIMIT);
        for _ in 0..rounds {
            if self.drain() < DRAIN_LIMIT {
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    fn drain(&mut self) -> usize {
        let clock = UnixClock::read();
        let mut count = 0;
        let instance = Arc::clone(&self.instance);
        for record in instance.records.drain(DRAIN_LIMIT) {
            count += 1;
            self.take(record, clock);
        }
        instance.stats.records.fetch_add(count as u64, Relaxed);
        for refused in self.sinks.export.push(self.kept.drain(..)) {
            refused.recycle(&instance);
        }
        while self.rows.len() >= BATCH_ROWS {
            let rest = self.rows.split_off(BATCH_ROWS);
            self.push_rows();
            self.rows = rest;
        }
        count
    }

    fn push_rows(&mut self) {
        if !self.rows.is_empty() {
            let rows = std::mem::take(&mut self.rows);
            let instance = Arc::clone(&self.instance);
            let batch = RowRecords::new(rows, UnixClock::read(), instance);
            self.sinks.rows.push(batch);
        }
    }

    fn take(&mut self, mut record: UniqueRecord, clock: UnixClock) {
        if record.kind == Kind::Detached {
            return self.take_detached(record, clock);
        }
        settle_headers(&mut record);
        let owner = &record.owner;
        count_handler(&record, owner);
        let slot = record.request.slot.as_deref();
        let decision = owner.snapshot.decide(slot, record.handler.callsite);
        let record = record.share();
        if record.trace.trace_id != 0 {
            let keep = trace::decide(&record, decision.ratio, decision.slow_nanos);
            self.keep_or_forget(&record, keep, clock);
        }
        if record.kind == Kind::Request && decision.record && self.sinks.rows.is_on() {
            self.rows.push(record);
        } else {
            self.instance.records.release(record);
        }
    }

    fn keep_or_forget(&mut self, record: &SharedRecord, keep: Option<Keep>, clock: UnixClock) {
        if let Some(keep) = keep {
            set_exemplars(record, clock);
            if record.open_spans == 0 {
                self.kept.push(Kept::Record {
                    record: SharedRecord::clone(record),
                    keep,
                    clock,
                });
            } else {
                self.keep_what_has_ended(spans::convert(record, Some(keep), clock));
            }
        } else {
            self.instance.stats.traces_not_kept.fetch_add(1, Relaxed);
        }
        if record.has_detached {
            for detached in self.late.decided(record.serial, keep.is_some()) {
                self.keep_or_forget_detached(detached, keep.is_some(), clock);
            }
        }
    }

    fn take_detached(&mut self, record: UniqueRecord, clock: UnixClock) {
        match self.late.arrived(record) {
            Fate::Keep(record) => self.keep_or_forget_detached(record, true, clock),
            Fate::Forget(record) => self.keep_or_forget_detached(record, false, clock),
            Fate::Wait(mut in_vain) => {
                while let Some(record) = in_vain.pop() {
                    if record.has_detached {
                        in_vain.extend(self.late.take_waiting(record.serial));
                    }
                    self.instance
                        .stats
                        .dropped(DropReason::SpanUnfinished, record.spans.len() as u64);
                    self.instance.records.give_back(record);
                }
            }
        }
    }

    fn keep_or_forget_detached(&mut self, record: UniqueRecord, kept: bool, clock: UnixClock) {
        if kept {
            let mut spans = spans::convert(&record, None, clock);
            if let [
                Span {
                    what: What::Late, ..
                },
            ] = record.spans[..]
            {
                spans = spans
                    .iter_mut()
                    .filter_map(|end| self.late_end(end))
                    .collect();
            }
            self.keep_what_has_ended(spans);
        }
        // A span can outlive detached work, too.
        if record.has_detached {
            for late in self.late.decided(record.serial, kept) {
                self.keep_or_forget_detached(late, kept, clock);
            }
        }
        self.instance.records.give_back(record);
    }

    fn late_end(&mut self, end: &mut ExportSpan) -> Option<ExportSpan> {
        let mut span = self.late.finish(end.span_id)?;
        spans::complete(&mut span, end);
        Some(span)
    }

    /// Exports the spans that have ended. The others wait for their end.
    fn keep_what_has_ended(&mut self, mut spans: Vec<ExportSpan>) {
        for unfinished in spans.extract_if(.., |span| span.end_unix_nanos == 0) {
            let given_up = self.late.unfinished(unfinished);
            self.instance
                .stats
                .dropped(DropReason::SpanUnfinished, given_up);
        }
        self.kept.push(Kept::Spans(spans));
    }
}

/// Sets a kept trace as the exemplar of the buckets that its request and its functions fell into.
fn set_exemplars(record: &Record, clock: UnixClock) {
    let trace_id = record.trace.trace_id;
    if let Some(slot) = &record.request.slot {
        let ended = clock.unix_nanos(record.end);
        slot.cells
            .set_exemplar(&observation(record), trace_id, record.trace.span_id, ended);
    }
    let owner = &record.owner;
    for span in record.spans.iter().filter(|span| span.end != 0) {
        let What::Function(callsite) = span.what else {
            continue;
        };
        // The request's histogram has the time of the handler.
        let is_handler = span.parent == record.trace.span_id
            && record
                .handler
                .callsite
                .is_some_and(|handler| std::ptr::eq(handler, callsite));
        if !is_handler
            && owner.snapshot.function(callsite).histogram
            && let Some(cells) = owner.instance.function(callsite)
        {
            let nanos = span.end.saturating_sub(span.start);
            cells.set_exemplar(
                nanos,
                span.error.is_some(),
                trace_id,
                span.id,
                clock.unix_nanos(span.end),
            );
        }
    }
}

/// Counts the call of the handler. The other investigated functions count their own calls.
fn count_handler(record: &Record, owner: &Owner) {
    if let Some(cells) = record
        .handler
        .callsite
        .and_then(|handler| owner.instance.quiet_function(handler))
    {
        let failed = record.handler.error.is_some()
            || record.handler.panicked
            || record.response.outcome == Some(Outcome::Panic);
        cells.observe(record.end.saturating_sub(record.start), failed);
    }
}

/// Removes the headers that were captured only for the rules of functions other than the handler.
fn settle_headers(record: &mut Record) {
    let Record {
        owner,
        request,
        response,
        handler,
        ..
    } = record;
    if request.headers.is_empty() && response.headers.is_empty() {
        return;
    }
    let Some(slot) = &request.slot else { return };
    let (keeps_request, keeps_response) = owner.snapshot.keeps_headers(slot, handler.callsite);
    request.headers.retain(|(name, _)| keeps_request(name));
    response.headers.retain(|(name, _)| keeps_response(name));
}

impl Sinks {
    /// Closes every sink, even if another one fails.
    async fn close(self, deadline: Instant) -> Result<(), ShutdownError> {
        let rows = async {
            match self.rows {
                RowSink::Store(queue) => queue.close(deadline).await.err(),
                _ => None,
            }
        };
        // At the same time, because an unreachable database uses all the time that is left.
        let (rows, traces) = tokio::join!(rows, self.export.close(deadline));
        ShutdownError::of(rows, traces.err()).map_or(Ok(()), Err)
    }
}
