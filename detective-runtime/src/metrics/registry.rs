//! The metrics of one running instance: makes the cells, and gathers them for a scrape.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};

use prometheus::Registry;
use prometheus::proto::{MetricFamily, MetricType};

use super::bounds::Bounds;
use super::cells::{FunctionCells, RouteCells};
use super::collect::CellCollector;
use super::names::{OTHER_METHOD, OVERFLOW};
use super::openmetrics::{Exemplars, series_key};
use super::sources::{Queue, QueueFill, Sources, lock};
use super::stats::Stats;
use crate::config::Metrics;

/// Owns the cells of an instance and its prometheus registry.
#[derive(Debug)]
pub(crate) struct MetricsRegistry {
    sources: Arc<Sources>,
    registry: Registry,
    exemplars: bool,
    warned: AtomicBool,
}

impl MetricsRegistry {
    /// A registry without series. Its naming, its exemplars and `max_routes` are fixed for its
    /// lifetime.
    pub(crate) fn new(settings: &Metrics, stats: Arc<Stats>) -> Self {
        let sources = Arc::new(Sources {
            naming: settings.naming,
            max_routes: settings.max_routes,
            routes: Mutex::default(),
            overflow: OnceLock::new(),
            overflowed: AtomicU64::new(0),
            functions: Mutex::default(),
            queues: Mutex::default(),
            stats,
        });
        let registry = Registry::new();
        registry
            .register(Box::new(CellCollector::new(Arc::clone(&sources))))
            .expect("the first collector of a registry has nothing to clash with");
        Self {
            sources,
            registry,
            exemplars: settings.exemplars,
            warned: AtomicBool::new(false),
        }
    }

    /// The cells of a method and a route template. They are made at the first call, with `bounds`
    /// for the histogram; later calls keep those bounds. All pairs beyond `metrics.max_routes`
    /// share the cells with the method `_OTHER` and the endpoint `_OVERFLOW`, and each such call is
    /// counted. It takes a lock: call it once for each pair and keep the result.
    pub(crate) fn route(&self, method: &str, endpoint: &str, bounds: &Bounds) -> Arc<RouteCells> {
        let sources = &*self.sources;
        let make = |method: &str, endpoint: &str| {
            Arc::new(RouteCells::new(method, endpoint, sources.naming, bounds))
        };
        let key = (method.into(), endpoint.into());
        let mut routes = lock(&sources.routes);
        if let Some(cells) = routes.get(&key) {
            return Arc::clone(cells);
        }
        if routes.len() < sources.max_routes {
            let cells = make(method, endpoint);
            routes.insert(key, Arc::clone(&cells));
            return cells;
        }
        drop(routes);
        if sources.overflowed.fetch_add(1, Relaxed) == 0 {
            tracing::warn!(
                max_routes = sources.max_routes,
                "there are more routes than `metrics.max_routes`: further ones share the endpoint `{OVERFLOW}` on /metrics"
            );
        }
        let overflow = sources
            .overflow
            .get_or_init(|| make(OTHER_METHOD, OVERFLOW));
        Arc::clone(overflow)
    }

    /// The cells of an investigated function, made at the first call with `bounds`. It takes a
    /// lock: call it once for each function and keep the result.
    pub(crate) fn function(
        &self,
        function: &str,
        module: &str,
        bounds: &Bounds,
    ) -> Arc<FunctionCells> {
        let key = (module.into(), function.into());
        let mut functions = lock(&self.sources.functions);
        let cells = functions
            .entry(key)
            .or_insert_with(|| Arc::new(FunctionCells::new(function, module, bounds)));
        Arc::clone(cells)
    }

    /// Shows a queue as `detective_queue_depth{queue="name"}`, with its capacity as a second
    /// metric. Every scrape calls `read`, which must not block.
    pub(crate) fn watch_queue(
        &self,
        name: &'static str,
        read: impl Fn() -> QueueFill + Send + Sync + 'static,
    ) {
        let read = Box::new(read);
        lock(&self.sources.queues).push(Queue { name, read });
    }

    /// How full the queue `name` is; zeros if there is no such queue.
    pub(crate) fn queue(&self, name: &str) -> QueueFill {
        let queues = self.sources.queues();
        queues
            .into_iter()
            .find(|(known, _)| *known == name)
            .map_or_else(QueueFill::default, |(_, fill)| fill)
    }

    /// Every family that has a series: Detective's own, and those of the application's default
    /// registry. On Linux, the prometheus crate adds `process_*` to that registry.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        let mut families = self.registry.gather();
        let refused = merge(&mut families, prometheus::default_registry().gather());
        if !refused.is_empty() && !self.warned.swap(true, Relaxed) {
            tracing::warn!(
                families = refused.join(", "),
                "metric families of the application are left out of /metrics: they are untyped, or have the name of one of Detective's and another type"
            );
        }
        families
    }

    pub(super) fn exemplars(&self) -> Exemplars {
        let mut exemplars = Exemplars::default();
        if self.exemplars {
            self.sources.visit_histograms(|family, labels, histogram| {
                exemplars.insert(family.name, &labels, histogram.exemplars());
            });
        }
        exemplars
    }
}

/// Adds the application's families to ours, and returns the names of the refused ones. A family of
/// the same name and type is merged, except for series that exist already.
fn merge(families: &mut Vec<MetricFamily>, application: Vec<MetricFamily>) -> Vec<String> {
    let mut refused = Vec::new();
    for mut family in application {
        // The text encoder panics on an untyped family, and the prometheus crate gives no access to
        // its values.
        if family.get_field_type() == MetricType::UNTYPED {
            refused.push(family.name().to_owned());
            continue;
        }
        match families.binary_search_by(|own| own.name().cmp(family.name())) {
            Err(place) => families.insert(place, family),
            Ok(place) => {
                let own = &mut families[place];
                if own.get_field_type() != family.get_field_type() {
                    refused.push(family.name().to_owned());
                    continue;
                }
                let metrics = own.mut_metric();
                let known: HashSet<_> = metrics
                    .iter()
                    .map(|metric| series_key("", metric.get_label()))
                    .collect();
                let mut further = family.take_metric();
                further.retain(|metric| !known.contains(&series_key("", metric.get_label())));
                metrics.append(&mut further);
            }
        }
    }
    refused
}

#[cfg(test)]
mod tests;
