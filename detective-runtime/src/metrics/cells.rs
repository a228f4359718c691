//! The cells that requests write: lock-free, and allocated once for each new kind of request.

use super::bounds::Bounds;
use super::durations::DurationHistograms;
use super::histogram::{Exemplar, Histogram};
use super::in_flight::InFlight;
use super::observation::{Observation, Scheme};
use super::shard;
use super::status::StatusCounters;
use crate::config::Naming;

/// All counts of one (method, endpoint).
#[derive(Debug)]
pub(crate) struct RouteCells {
    method: Box<str>,
    endpoint: Box<str>,
    in_flight: InFlight,
    finished: Finished,
}

/// Finished requests, in the form that `metrics.naming` selects.
#[derive(Debug)]
pub(super) enum Finished {
    Classic {
        requests: StatusCounters,
        duration: Histogram,
    },
    Semconv(DurationHistograms),
}

impl RouteCells {
    pub(super) fn new(method: &str, endpoint: &str, naming: Naming, bounds: &Bounds) -> Self {
        Self {
            method: method.into(),
            endpoint: endpoint.into(),
            in_flight: InFlight::new(),
            finished: match naming {
                Naming::Classic => Finished::Classic {
                    requests: StatusCounters::new(),
                    duration: Histogram::new(bounds.clone()),
                },
                Naming::Semconv => Finished::Semconv(DurationHistograms::new(bounds.clone())),
            },
        }
    }

    /// Counts a request that begins. The caller must call [`finish`](Self::finish) exactly once
    /// with the same scheme, from a guard.
    #[inline]
    pub(crate) fn start(&self, scheme: Scheme) {
        self.in_flight.start(scheme);
    }

    /// Counts a request that is no longer in flight.
    #[inline]
    pub(crate) fn finish(&self, scheme: Scheme) {
        self.in_flight.finish(scheme);
    }

    /// Counts one finished request.
    #[inline]
    pub(crate) fn observe(&self, observation: &Observation) {
        match &self.finished {
            Finished::Classic { requests, duration } => {
                let shard = shard::current();
                if observation.in_histogram {
                    duration.observe(shard, observation.nanos);
                }
                requests.add(shard, observation.status);
            }
            Finished::Semconv(list) => list.observe(observation),
        }
    }

    /// Makes the trace of an observed request the exemplar of its bucket. Only for the pipeline
    /// thread, since it may take a lock, and only once the trace is known to be kept. `unix_nanos`
    /// is when the request ended.
    pub(crate) fn set_exemplar(
        &self,
        observation: &Observation,
        trace_id: u128,
        span_id: u64,
        unix_nanos: u64,
    ) {
        if !observation.in_histogram {
            return;
        }
        let histogram = match &self.finished {
            Finished::Classic { duration, .. } => duration,
            Finished::Semconv(list) => list.histogram(observation),
        };
        histogram.set_exemplar(Exemplar {
            nanos: observation.nanos,
            trace_id,
            span_id,
            unix_nanos,
        });
    }

    /// The method, or `_OTHER`.
    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// The route template, `unmatched` or `_OVERFLOW`.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The number of requests in flight over `scheme`; `None` if there never was one.
    pub(super) fn in_flight(&self, scheme: Scheme) -> Option<u64> {
        self.in_flight.read(scheme)
    }

    pub(super) fn finished(&self) -> &Finished {
        &self.finished
    }
}

/// All counts of one investigated function.
#[derive(Debug)]
pub(crate) struct FunctionCells {
    function: Box<str>,
    module: Box<str>,
    ok: Histogram,
    error: Histogram,
}

/// How often a function was called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) count: u64,
    /// The calls that failed.
    pub(crate) errors: u64,
    /// The total time of all calls.
    pub(crate) nanos: u64,
}

impl FunctionCells {
    /// Separate cells. The cells that `/metrics` shows are made by
    /// [`MetricsRegistry::function`](super::MetricsRegistry::function).
    pub(crate) fn new(function: &str, module: &str, bounds: &Bounds) -> Self {
        Self {
            function: function.into(),
            module: module.into(),
            ok: Histogram::new(bounds.clone()),
            error: Histogram::new(bounds.clone()),
        }
    }

    /// Counts one call that took `nanos` nanoseconds.
    #[inline]
    pub(crate) fn observe(&self, nanos: u64, failed: bool) {
        self.histogram(failed).observe(shard::current(), nanos);
    }

    /// Makes the trace of an observed call the exemplar of its bucket. Only for the pipeline
    /// thread, since it may take a lock, and only once the trace is known to be kept. `unix_nanos`
    /// is when the call ended.
    pub(crate) fn set_exemplar(
        &self,
        nanos: u64,
        failed: bool,
        trace_id: u128,
        span_id: u64,
        unix_nanos: u64,
    ) {
        self.histogram(failed).set_exemplar(Exemplar {
            nanos,
            trace_id,
            span_id,
            unix_nanos,
        });
    }

    /// The sum of all counts.
    pub(crate) fn calls(&self) -> Calls {
        let (ok, error) = (self.ok.snapshot(), self.error.snapshot());
        Calls {
            count: ok.count() + error.count(),
            errors: error.count(),
            nanos: ok.sum_nanos.wrapping_add(error.sum_nanos),
        }
    }

    pub(super) fn function(&self) -> &str {
        &self.function
    }

    pub(super) fn module(&self) -> &str {
        &self.module
    }

    #[inline]
    pub(super) fn histogram(&self, failed: bool) -> &Histogram {
        if failed { &self.error } else { &self.ok }
    }
}
