//! Converts cells to the metric families of the prometheus crate.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::cells::{Finished, RouteCells};
use super::durations::Attributes;
use super::histogram::Histogram;
use super::names::{self, Family};
use super::observation::{ErrorType, Scheme};
use super::sources::Sources;
use super::stats::{DropReason, Part};
use crate::config::Naming;

/// Reads all cells of one instance.
pub(super) struct CellCollector {
    sources: Arc<Sources>,
    descriptions: Vec<Desc>,
}

impl CellCollector {
    pub(super) fn new(sources: Arc<Sources>) -> Self {
        let describe = |family: &&Family| {
            let labels = family.labels.iter().map(|label| (*label).to_owned());
            Desc::new(
                family.name.to_owned(),
                family.help.to_owned(),
                labels.collect(),
                HashMap::new(),
            )
            .expect("the names are constants that the tests read")
        };
        Self {
            sources,
            descriptions: names::ALL.iter().map(describe).collect(),
        }
    }
}

impl Collector for CellCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.sources.requests();
        families.extend(self.sources.histograms());
        families.extend(self.sources.own_state());
        families
    }
}

impl Sources {
    /// Calls `visit` for every histogram, with its family and the labels of its series.
    pub(super) fn visit_histograms(
        &self,
        mut visit: impl FnMut(&'static Family, Vec<LabelPair>, &Histogram),
    ) {
        for route in self.routes() {
            match route.finished() {
                Finished::Classic { duration, .. } => {
                    let family = &names::HTTP_REQUEST_DURATION;
                    let values = [Some(route.endpoint()), Some(route.method())];
                    visit(family, labels(family, &values), duration);
                }
                Finished::Semconv(list) => {
                    for (attributes, histogram) in list.iter() {
                        let family = &names::HTTP_SERVER_REQUEST_DURATION;
                        visit(family, duration_labels(&route, attributes), histogram);
                    }
                }
            }
        }
        for function in self.functions() {
            let family = &names::FUNCTION_DURATION;
            for (failed, result) in [(false, "ok"), (true, "error")] {
                let values = [function.function(), function.module(), result].map(Some);
                visit(family, labels(family, &values), function.histogram(failed));
            }
        }
    }

    /// Every histogram that is not empty, by family.
    fn histograms(&self) -> Vec<MetricFamily> {
        let mut families: BTreeMap<&str, (&Family, Vec<Metric>)> = BTreeMap::new();
        self.visit_histograms(|family, labels, histogram| {
            if let Some(metric) = histogram_metric(labels, histogram) {
                let entry = families.entry(family.name);
                entry.or_insert((family, Vec::new())).1.push(metric);
            }
        });
        families
            .into_values()
            .map(|(family, metrics)| family_of(family, MetricType::HISTOGRAM, metrics))
            .collect()
    }

    /// Finished requests and requests in flight.
    fn requests(&self) -> Vec<MetricFamily> {
        let routes = self.routes();
        match self.naming {
            Naming::Classic => vec![
                family_of(
                    &names::HTTP_REQUESTS,
                    MetricType::COUNTER,
                    routes.iter().flat_map(|route| ended(route)).collect(),
                ),
                family_of(
                    &names::HTTP_REQUESTS_IN_FLIGHT,
                    MetricType::GAUGE,
                    routes.iter().filter_map(|route| in_flight(route)).collect(),
                ),
            ],
            Naming::Semconv => vec![
                active(&routes),
                family_of(
                    &names::REQUESTS_OUTSIDE_HISTOGRAM,
                    MetricType::COUNTER,
                    routes.iter().filter_map(|route| outside(route)).collect(),
                ),
            ],
        }
    }

    /// Detective's metrics about itself.
    fn own_state(&self) -> Vec<MetricFamily> {
        let stats = &*self.stats;
        let version = [env!("CARGO_PKG_VERSION")];
        let queues = self.queues();
        let exchanges = Part::ALL.map(|part| (part.as_str(), stats.exchanges(part)));
        vec![
            gauges(&names::BUILD_INFO, version.map(|version| (version, 1))),
            gauges(
                &names::QUEUE_DEPTH,
                queues.iter().map(|(name, fill)| (*name, fill.depth)),
            ),
            gauges(
                &names::QUEUE_CAPACITY,
                queues.iter().map(|(name, fill)| (*name, fill.capacity)),
            ),
            counters(
                &names::DROPPED,
                DropReason::ALL.map(|reason| (reason.as_str(), stats.dropped_count(reason))),
            ),
            counters(
                &names::EXCHANGES,
                exchanges.map(|(part, (ok, _))| (part, ok)),
            ),
            counters(
                &names::FAILURES,
                exchanges.map(|(part, (_, failed))| (part, failed)),
            ),
            counter(&names::RECORDS, stats.records.load(Relaxed)),
            counter(&names::ROWS_WRITTEN, stats.rows_written.load(Relaxed)),
            counter(&names::SPANS_EXPORTED, stats.spans_exported.load(Relaxed)),
            counter(&names::TRACES_NOT_KEPT, stats.traces_not_kept.load(Relaxed)),
            counter(&names::CACHE_HITS, stats.cache_hits.load(Relaxed)),
            counter(&names::CACHE_MISSES, stats.cache_misses.load(Relaxed)),
            counter(&names::ROUTES_OVERFLOWED, self.overflowed.load(Relaxed)),
        ]
    }
}

/// `http_requests_total` of one route.
fn ended(route: &RouteCells) -> Vec<Metric> {
    let Finished::Classic { requests, .. } = route.finished() else {
        return Vec::new();
    };
    let metric = |(status, count): (u16, u64)| {
        let status = match status {
            0 => names::NO_STATUS.to_owned(),
            status => status.to_string(),
        };
        let values = [route.endpoint(), route.method(), &status].map(Some);
        counter_metric(labels(&names::HTTP_REQUESTS, &values), count)
    };
    requests.snapshot().into_iter().map(metric).collect()
}

/// `http_requests_in_flight` of one route, both schemes together.
fn in_flight(route: &RouteCells) -> Option<Metric> {
    let schemes = Scheme::ALL.into_iter();
    let count: u64 = schemes
        .filter_map(|scheme| route.in_flight(scheme))
        .reduce(|one, other| one + other)?;
    let values = [route.endpoint(), route.method()].map(Some);
    let labels = labels(&names::HTTP_REQUESTS_IN_FLIGHT, &values);
    Some(gauge_metric(labels, count))
}

/// `http_server_active_requests`. The convention splits it only by method and scheme.
fn active(routes: &[Arc<RouteCells>]) -> MetricFamily {
    let family = &names::HTTP_SERVER_ACTIVE_REQUESTS;
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for route in routes {
        for scheme in Scheme::ALL {
            if let Some(count) = route.in_flight(scheme) {
                *counts.entry((route.method(), scheme.as_str())).or_default() += count;
            }
        }
    }
    let metric = |((method, scheme), count)| {
        gauge_metric(labels(family, &[Some(method), Some(scheme)]), count)
    };
    let metrics = counts.into_iter().map(metric).collect();
    family_of(family, MetricType::GAUGE, metrics)
}

/// `detective_requests_outside_histogram_total` of one route, if there are such requests.
fn outside(route: &RouteCells) -> Option<Metric> {
    let Finished::Semconv(list) = route.finished() else {
        return None;
    };
    let count = Some(list.outside()).filter(|count| *count > 0)?;
    let values = [Some(route.method()), known_route(route)];
    let labels = labels(&names::REQUESTS_OUTSIDE_HISTOGRAM, &values);
    Some(counter_metric(labels, count))
}

/// The attribute `http.route`; absent when no route matched.
fn known_route(route: &RouteCells) -> Option<&str> {
    Some(route.endpoint()).filter(|endpoint| *endpoint != names::UNMATCHED)
}

fn duration_labels(route: &RouteCells, attributes: Attributes) -> Vec<LabelPair> {
    let status = (attributes.status > 0).then(|| attributes.status.to_string());
    let error = match attributes.error.map(ErrorType::as_str) {
        // The convention: the status itself, when it is what tells the error.
        None if attributes.status >= 500 => status.as_deref(),
        error => error,
    };
    labels(
        &names::HTTP_SERVER_REQUEST_DURATION,
        &[
            error,
            Some(route.method()),
            status.as_deref(),
            known_route(route),
            attributes.version.as_str(),
            Some(attributes.scheme.as_str()),
        ],
    )
}

/// The labels of a series. A label without a value is left out, which Prometheus treats as empty.
fn labels(family: &Family, values: &[Option<&str>]) -> Vec<LabelPair> {
    let pairs = family.labels.iter().zip(values);
    pairs
        .filter_map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value)?.to_owned());
            Some(pair)
        })
        .collect()
}

fn counter(family: &Family, count: u64) -> MetricFamily {
    let metrics = vec![counter_metric(Vec::new(), count)];
    family_of(family, MetricType::COUNTER, metrics)
}

fn counters<'value>(
    family: &Family,
    counts: impl IntoIterator<Item = (&'value str, u64)>,
) -> MetricFamily {
    let metric = |(value, count)| counter_metric(labels(family, &[Some(value)]), count);
    let metrics = counts.into_iter().map(metric).collect();
    family_of(family, MetricType::COUNTER, metrics)
}

fn gauges<'value>(
    family: &Family,
    values: impl IntoIterator<Item = (&'value str, u64)>,
) -> MetricFamily {
    let metric = |(label, value)| gauge_metric(labels(family, &[Some(label)]), value);
    let metrics = values.into_iter().map(metric).collect();
    family_of(family, MetricType::GAUGE, metrics)
}

fn counter_metric(labels: Vec<LabelPair>, count: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(count as f64);
    let mut metric = Metric::from_label(labels);
    metric.set_counter(counter);
    metric
}

fn gauge_metric(labels: Vec<LabelPair>, value: u64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value as f64);
    let mut metric = Metric::from_label(labels);
    metric.set_gauge(gauge);
    metric
}

/// `None` for an empty histogram.
fn histogram_metric(labels: Vec<LabelPair>, histogram: &Histogram) -> Option<Metric> {
    let snapshot = histogram.snapshot();
    let count = snapshot.count();
    if count == 0 {
        return None;
    }
    let mut cumulative = 0;
    let buckets = histogram.bounds().seconds().zip(&snapshot.buckets);
    let buckets = buckets.map(|(bound, count)| {
        cumulative += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(cumulative);
        bucket
    });
    let mut value = prometheus::proto::Histogram::default();
    value.set_bucket(buckets.collect());
    value.set_sample_count(count);
    value.set_sample_sum(super::bounds::seconds(snapshot.sum_nanos));
    let mut metric = Metric::from_label(labels);
    metric.set_histogram(value);
    Some(metric)
}

fn family_of(family: &Family, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut gathered = MetricFamily::default();
    gathered.set_name(family.name.to_owned());
    gathered.set_help(family.help.to_owned());
    gathered.set_field_type(kind);
    gathered.set_metric(metrics);
    gathered
}
