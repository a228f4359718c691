//! A slot: what all requests of one method and route share.
//!
//! Its labels, its cells and its rule are looked up once and kept. A request then finds them by
//! comparing pointers instead of hashing texts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::metrics::RouteCells;

/// What all requests of one method and route share.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Its index in a snapshot's list of rules.
    pub(crate) index: usize,
    pub(crate) method: Arc<str>,
    pub(crate) endpoint: Arc<str>,
    /// Whether the endpoint is a route template, not a label that replaces one.
    pub(crate) is_route: bool,
    pub(crate) cells: Arc<RouteCells>,
}

/// All slots of an instance: one for each method of each route, and a few more for requests that no
/// route matched. Nothing that a client sends can add more.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// By endpoint, then by method. Read without a lock. Replaced as a whole when a slot is added,
    /// which happens once for each method and route.
    by_endpoint: ArcSwap<HashMap<Arc<str>, ByMethod>>,
    count: Mutex<usize>,
}

type ByMethod = HashMap<Arc<str>, Arc<Slot>>;

impl Slots {
    /// The slot for a method and an endpoint. `make_cells` is called when the slot is new.
    pub(crate) fn get(
        &self,
        method: &str,
        endpoint: &str,
        is_route: bool,
        make_cells: impl FnOnce() -> Arc<RouteCells>,
    ) -> Arc<Slot> {
        if let Some(slot) = self.find(method, endpoint) {
            return slot;
        }
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have added it meanwhile.
        if let Some(slot) = self.find(method, endpoint) {
            return slot;
        }
        let cells = make_cells();
        let slot = Arc::new(Slot {
            index: *count,
            method: method.into(),
            endpoint: endpoint.into(),
            is_route,
            cells,
        });
        *count += 1;
        let mut by_endpoint = HashMap::clone(&self.by_endpoint.load());
        by_endpoint
            .entry(Arc::clone(&slot.endpoint))
            .or_default()
            .insert(Arc::clone(&slot.method), Arc::clone(&slot));
        self.by_endpoint.store(Arc::new(by_endpoint));
        slot
    }

    /// All slots so far.
    pub(crate) fn all(&self) -> Vec<Arc<Slot>> {
        let by_endpoint = self.by_endpoint.load();
        by_endpoint
            .values()
            .flat_map(HashMap::values)
            .cloned()
            .collect()
    }

    fn find(&self, method: &str, endpoint: &str) -> Option<Arc<Slot>> {
        self.by_endpoint.load().get(endpoint)?.get(method).cloned()
    }
}
