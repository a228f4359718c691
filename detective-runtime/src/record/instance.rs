//! One running Detective: what the layer, the spans and the pipeline share.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32};
use std::time::Duration;

use arc_swap::ArcSwap;
use once_cell::race::OnceBox;

use crate::attribute::{Callsite, callsite};
use crate::clock;
use crate::config::Loaded;
use crate::metrics::{Bounds, Calls, DropReason, FunctionCells, MetricsRegistry, Stats};
use crate::propagation::{Trace, first_span_id};
use crate::record::{Kind, Owner, Record, RecordQueue, UniqueRecord, Visitors, running};
use crate::rules::{Slots, Snapshot};

/// The shared state of one running Detective.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Unique within this process.
    pub(crate) number: u32,
    snapshot: ArcSwap<Snapshot>,
    /// Address of the current snapshot, only for comparison. Every request checks whether its
    /// record has the current snapshot; loading the snapshot for that would change a reference
    /// count that all processors share.
    in_force: AtomicPtr<Snapshot>,
    /// Whether the current snapshot records nothing at all.
    is_off: AtomicBool,
    pub(crate) stats: Arc<Stats>,
    pub(crate) metrics: MetricsRegistry,
    pub(crate) slots: Slots,
    pub(crate) records: RecordQueue,
    pub(crate) visitors: Visitors,
    /// By callsite. A function's cells are made at its first call.
    functions: Box<[OnceBox<Arc<FunctionCells>>]>,
    /// The same for calls that `/metrics` does not show: calls of a request's handler, whose time
    /// is the request's, and calls without a histogram.
    quiet_functions: Box<[OnceBox<FunctionCells>]>,
    /// Set when the shutdown's deadline has passed. Requests that end afterwards count as cut off.
    cut_off: AtomicBool,
}

static NEXT_NUMBER: AtomicU32 = AtomicU32::new(1);

impl Instance {
    pub(crate) fn new(loaded: &Loaded, stats: Arc<Stats>) -> Self {
        let config = &loaded.config;
        let metrics = MetricsRegistry::new(&config.metrics, Arc::clone(&stats));
        let records = RecordQueue::new(config.pipeline.queue_records);
        let count = callsite::all().len();
        let functions = std::iter::repeat_with(OnceBox::new).take(count).collect();
        let quiet_functions = std::iter::repeat_with(OnceBox::new).take(count).collect();
        let snapshot = Arc::new(Snapshot::new(loaded, 1, Vec::new()));
        clock::prepare();
        Self {
            number: NEXT_NUMBER.fetch_add(1, Relaxed),
            in_force: AtomicPtr::new(Arc::as_ptr(&snapshot).cast_mut()),
            is_off: AtomicBool::new(snapshot.is_off()),
            snapshot: ArcSwap::new(snapshot),
            stats,
            metrics,
            slots: Slots::default(),
            records,
            visitors: Visitors::default(),
            functions,
            quiet_functions,
            cut_off: AtomicBool::new(false),
        }
    }

    /// The current snapshot.
    pub(crate) fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// The rules in force now, for whoever keeps them over an await.
    pub(crate) fn snapshot_in_force(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Makes `snapshot` current for everything that begins from now on. The caller must not call
    /// this twice at the same time.
    pub(crate) fn put_in_force(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        self.is_off.store(snapshot.is_off(), Relaxed);
        running::recount();
        let place = Arc::as_ptr(&snapshot).cast_mut();
        self.snapshot.store(snapshot);
        self.in_force.store(place, Release);
    }

    /// Whether the current rules record nothing at all.
    #[inline]
    pub(crate) fn is_off(&self) -> bool {
        self.is_off.load(Relaxed)
    }

    /// Begins a record under the current rules. Work outside any request begins a trace. For a
    /// request or for detached work, the caller sets the place in the trace.
    #[inline]
    pub(crate) fn begin(self: &Arc<Self>, kind: Kind) -> UniqueRecord {
        let in_force = self.in_force.load(Acquire);
        match self.records.take_empty() {
            // The record keeps its snapshot alive, so no other snapshot can have the same address.
            Some(record) if std::ptr::eq(Arc::as_ptr(&record.owner.snapshot), in_force) => {
                self.begin_in(record, kind)
            }
            record => self.begin_in(self.owned(record, self.snapshot.load_full()), kind),
        }
    }

    /// Begins a record under an earlier snapshot.
    pub(crate) fn begin_under(
        self: &Arc<Self>,
        kind: Kind,
        snapshot: &Arc<Snapshot>,
    ) -> UniqueRecord {
        let record = self.owned(self.records.take_empty(), Arc::clone(snapshot));
        self.begin_in(record, kind)
    }

    /// An empty record that belongs to this instance and `snapshot`.
    #[cold]
    fn owned(
        self: &Arc<Self>,
        record: Option<UniqueRecord>,
        snapshot: Arc<Snapshot>,
    ) -> UniqueRecord {
        let owner = Owner {
            instance: Arc::clone(self),
            snapshot,
        };
        match record {
            Some(mut record) => {
                record.owner = owner;
                record
            }
            None => UniqueRecord::new(Record::new(owner, self.records.home())),
        }
    }

    #[inline]
    fn begin_in(&self, mut record: UniqueRecord, kind: Kind) -> UniqueRecord {
        record.kind = kind;
        record.serial = first_span_id();
        record.start = clock::now();
        if kind != Kind::Request {
            record.request.slot = None;
        }
        if kind == Kind::Work && record.owner.snapshot.config.tracing.enabled {
            record.trace = Trace::root(record.owner.snapshot.decide(None, None).ratio);
        }
        record
    }

    /// Pushes a finished record into the queue for the pipeline. A record that does not fit is
    /// counted as dropped.
    pub(crate) fn enqueue(&self, mut record: UniqueRecord) {
        if record.open_spans > 0 {
            record.has_detached = true;
        }
        if let Err(record) = self.records.push(record) {
            self.stats.dropped(DropReason::RecordQueueFull, 1);
            self.records.give_back(record);
        }
    }

    /// The cells of an investigated function.
    pub(crate) fn function(&self, callsite: &'static Callsite) -> Option<&FunctionCells> {
        let cells = self.functions.get(callsite.index()?)?;
        let make = || {
            let site = callsite.site();
            let bounds = self.snapshot().function_bounds(callsite);
            Box::new(self.metrics.function(site.function, site.module, &bounds))
        };
        Some(cells.get_or_init(make))
    }

    /// The cells for calls of an investigated function that `/metrics` does not show.
    pub(crate) fn quiet_function(&self, callsite: &'static Callsite) -> Option<&FunctionCells> {
        let cells = self.quiet_functions.get(callsite.index()?)?;
        let site = callsite.site();
        let no_buckets = || Bounds::from_seconds(&[]);
        Some(cells.get_or_init(|| {
            Box::new(FunctionCells::new(
                site.function,
                site.module,
                &no_buckets(),
            ))
        }))
    }

    /// All calls of an investigated function so far.
    pub(crate) fn calls(&self, callsite: &Callsite) -> Calls {
        let Some(index) = callsite.index() else {
            return Calls::default();
        };
        let shown = self.functions.get(index).and_then(OnceBox::get);
        let quiet = self.quiet_functions.get(index).and_then(OnceBox::get);
        let shown = shown.map(|cells| cells.calls()).unwrap_or_default();
        let quiet = quiet.map(FunctionCells::calls).unwrap_or_default();
        Calls {
            count: shown.count + quiet.count,
            errors: shown.errors + quiet.errors,
            nanos: shown.nanos.wrapping_add(quiet.nanos),
        }
    }

    /// How long a shutdown may take.
    pub(crate) fn shutdown_timeout(&self) -> Duration {
        self.snapshot().config.pipeline.shutdown_timeout
    }

    /// Marks everything that ends from now on as cut off by the shutdown.
    pub(crate) fn cut_off(&self) {
        self.cut_off.store(true, Relaxed);
    }

    /// Whether the shutdown's deadline has passed.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut_off.load(Relaxed)
    }
}
