//! The inputs of a scrape: all cells, and the queues.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Serialize;

use super::cells::{FunctionCells, RouteCells};
use super::stats::Stats;
use crate::config::Naming;

/// Everything that a scrape reads.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) naming: Naming,
    pub(super) max_routes: usize,
    pub(super) routes: Mutex<ByRoute>,
    pub(super) overflow: OnceLock<Arc<RouteCells>>,
    pub(super) overflowed: AtomicU64,
    pub(super) functions: Mutex<ByFunction>,
    pub(super) queues: Mutex<Vec<Queue>>,
    pub(super) stats: Arc<Stats>,
}

/// By method and endpoint.
pub(super) type ByRoute = BTreeMap<(Box<str>, Box<str>), Arc<RouteCells>>;
/// By module and function.
pub(super) type ByFunction = BTreeMap<(Box<str>, Box<str>), Arc<FunctionCells>>;

/// A bounded queue whose depth and capacity are shown.
pub(super) struct Queue {
    pub(super) name: &'static str,
    pub(super) read: Box<dyn Fn() -> QueueFill + Send + Sync>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Queue").field(&self.name).finish()
    }
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct QueueFill {
    /// Items that wait.
    pub(crate) depth: u64,
    /// Items that can wait before further ones are dropped.
    pub(crate) capacity: u64,
}

impl Sources {
    /// The cells of every route. The overflow cells come last.
    pub(super) fn routes(&self) -> Vec<Arc<RouteCells>> {
        let routes = lock(&self.routes);
        let overflow = self.overflow.get();
        routes.values().chain(overflow).map(Arc::clone).collect()
    }

    pub(super) fn functions(&self) -> Vec<Arc<FunctionCells>> {
        lock(&self.functions).values().map(Arc::clone).collect()
    }

    pub(super) fn queues(&self) -> Vec<(&'static str, QueueFill)> {
        let queues = lock(&self.queues);
        queues
            .iter()
            .map(|queue| (queue.name, (queue.read)()))
            .collect()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The maps change by one insertion at a time, so a poisoned lock protects a complete map.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
