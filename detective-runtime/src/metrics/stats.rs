//! Detective's counts about itself: what was processed, what failed, and what was dropped and why.
//!
//! Every part of the running system shares one [`Stats`]. `/metrics` shows the counts as
//! `detective_*`. `/analytics/health` shows them with the last failure of each part.

use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant, SystemTime};

use super::labels::labels;

labels! {
    /// What had to be dropped, and why: the `reason` label of `detective_dropped_total`.
    pub(crate) enum DropReason {
        /// A finished record found the queue of finished records full (`pipeline.queue_records`).
        RecordQueueFull = "record_queue_full",
        /// A span beyond `tracing.max_spans` of one request.
        SpanLimit = "span_limit",
        /// A field beyond `tracing.max_fields` of one request.
        FieldLimit = "field_limit",
        /// A span had not ended when its request did, and never ended while it was remembered.
        SpanUnfinished = "span_unfinished",
        /// A span found the exporter's queue full (`jaeger.queue_spans`).
        SpanQueueFull = "span_queue_full",
        /// A span could not be exported after all retries.
        SpanExportFailed = "span_export_failed",
        /// A collector took the spans of a message, but not this one.
        SpanRejected = "span_rejected",
        /// A collector refused a span for its size, although it came alone.
        SpanTooLarge = "span_too_large",
        /// An event was shed so that its span fits in a datagram.
        SpanEventOversize = "span_event_oversize",
        /// An attribute was shed so that its span fits in a datagram.
        SpanAttributeOversize = "span_attribute_oversize",
        /// A row found the store's queue full (`store.queue_rows`).
        RowQueueFull = "row_queue_full",
        /// A row could not be written before the shutdown's deadline, or was refused for good.
        RowWriteFailed = "row_write_failed",
    }
}

labels! {
    /// A part of the system that reaches outside and can be in trouble: the `part` label, and the
    /// key in `/analytics/health`.
    pub(crate) enum Part {
        /// The database of rows.
        Store = "store",
        /// Redis.
        Cache = "cache",
        /// Jaeger.
        Exporter = "exporter",
    }
}

/// The last failure of one part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble {
    /// The last failure, and its time.
    pub(crate) last: Option<(String, SystemTime)>,
    /// Whether the part has worked since.
    pub(crate) recovered: bool,
    last_logged: Option<Instant>,
}

/// The counts. They only grow.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    dropped: [AtomicU64; DropReason::ALL.len()],
    successes: [AtomicU64; Part::ALL.len()],
    failures: [AtomicU64; Part::ALL.len()],
    /// Set by a failure, cleared by the next success.
    in_trouble: [AtomicBool; Part::ALL.len()],
    trouble: Mutex<[Trouble; Part::ALL.len()]>,
    /// Records that the pipeline took from the request threads.
    pub(crate) records: AtomicU64,
    /// Rows that were committed to the store.
    pub(crate) rows_written: AtomicU64,
    /// Spans that Jaeger accepted (or, by UDP, that were sent).
    pub(crate) spans_exported: AtomicU64,
    /// Traces that the sampling decision did not keep.
    pub(crate) traces_not_kept: AtomicU64,
    /// Cache look-ups that found something.
    pub(crate) cache_hits: AtomicU64,
    /// Cache look-ups that did not.
    pub(crate) cache_misses: AtomicU64,
}

/// Failures of one part are logged at most this often.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

impl Stats {
    /// Counts `count` dropped items.
    pub(crate) fn dropped(&self, reason: DropReason, count: u64) {
        self.dropped[reason as usize].fetch_add(count, Relaxed);
    }

    /// How many items were dropped for `reason`.
    pub(crate) fn dropped_count(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize].load(Relaxed)
    }

    /// Counts one successful exchange with `part`. It takes a lock only if the part has just
    /// recovered, so that the request path may call it.
    pub(crate) fn succeeded(&self, part: Part) {
        self.successes[part as usize].fetch_add(1, Relaxed);
        if !self.in_trouble[part as usize].load(Relaxed) {
            return;
        }
        self.in_trouble[part as usize].store(false, Relaxed);
        if self.recovers(part) {
            tracing::info!(target: "detective", "the {} works again", part.as_str());
        }
    }

    /// Counts one failed exchange with `part`, and logs it at most every [`LOG_INTERVAL`].
    pub(crate) fn failed(&self, part: Part, message: String) {
        self.failures[part as usize].fetch_add(1, Relaxed);
        if self.fails(part, &message) {
            tracing::warn!(target: "detective", part = part.as_str(), "{message}");
        }
    }

    /// Counts one successful exchange in which `part` had a complaint, which is shown as the last
    /// trouble without calling the part broken, and is logged once in a while.
    pub(crate) fn warned(&self, part: Part, message: String) {
        self.successes[part as usize].fetch_add(1, Relaxed);
        let is_logged = self.fails(part, &message);
        self.in_trouble[part as usize].store(false, Relaxed);
        self.recovers(part);
        if is_logged {
            tracing::warn!(target: "detective", part = part.as_str(), "{message}");
        }
    }

    /// Successful and failed exchanges with `part`.
    pub(crate) fn exchanges(&self, part: Part) -> (u64, u64) {
        (
            self.successes[part as usize].load(Relaxed),
            self.failures[part as usize].load(Relaxed),
        )
    }

    /// The last failure of `part`.
    pub(crate) fn trouble(&self, part: Part) -> Trouble {
        self.lock_trouble()[part as usize].clone()
    }

    // The next two decide under the lock, and their callers log after it. A subscriber is foreign
    // code: it may be slow, or call these methods again.

    /// Notes that `part` works, and returns whether it had failed before.
    fn recovers(&self, part: Part) -> bool {
        let mut trouble = self.lock_trouble();
        let trouble = &mut trouble[part as usize];
        let recovers = trouble.last.is_some() && !trouble.recovered;
        trouble.recovered |= recovers;
        recovers
    }

    /// Notes a failure of `part`, and returns whether to log it. Of several at the same time, only
    /// one is logged.
    fn fails(&self, part: Part, message: &str) -> bool {
        let mut trouble = self.lock_trouble();
        let trouble = &mut trouble[part as usize];
        trouble.last = Some((message.to_owned(), SystemTime::now()));
        trouble.recovered = false;
        self.in_trouble[part as usize].store(true, Relaxed);
        let is_logged = trouble
            .last_logged
            .is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if is_logged {
            trouble.last_logged = Some(Instant::now());
        }
        is_logged
    }

    fn lock_trouble(&self) -> std::sync::MutexGuard<'_, [Trouble; Part::ALL.len()]> {
        // A poisoned lock still protects the last failure, and nothing else is needed.
        self.trouble
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// A subscriber that uses the stats while it handles an event, as one that caches or stores
    /// events may.
    struct Curious(Arc<Stats>, Arc<AtomicU64>);

    impl Subscriber for Curious {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {
            self.0.trouble(Part::Cache);
            self.0.failed(Part::Cache, "again".to_owned());
            self.1.fetch_add(1, Relaxed);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_subscriber_may_use_the_stats_while_it_handles_an_event() {
        let (stats, events) = (Arc::new(Stats::default()), Arc::new(AtomicU64::new(0)));
        let curious = Curious(Arc::clone(&stats), Arc::clone(&events));
        tracing::subscriber::with_default(curious, || {
            stats.failed(Part::Cache, "refused".to_owned());
            stats.failed(Part::Cache, "refused".to_owned());
            assert_eq!(events.load(Relaxed), 1, "once in a while");
            stats.succeeded(Part::Cache);
            assert_eq!(events.load(Relaxed), 2);
        });
    }
}
