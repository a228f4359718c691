//! A slot: what the requests of one method and route have in common.
//!
//! Its labels, its cells and its rule are found once and kept, so that a request finds them by one
//! comparison of pointers instead of by hashing texts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::metrics::RouteCells;

/// What the requests of one method and route share.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Its place in a snapshot's list of rules.
    pub(crate) index: usize,
    pub(crate) method: Arc<str>,
    pub(crate) endpoint: Arc<str>,
    /// Whether the endpoint is a route template, and not a stand-in for one.
    pub(crate) is_route: bool,
    pub(crate) cells: Arc<RouteCells>,
}

/// All slots of an instance. There are as many as the program's routes have methods, and a few
/// more for what no route matched: nothing that a client sends adds one.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// By endpoint, then by method. Read without a lock; replaced whole when a slot is added, which
    /// happens once for each method and route in the program's life.
    by_endpoint: ArcSwap<HashMap<Arc<str>, ByMethod>>,
    count: Mutex<usize>,
}

type ByMethod = HashMap<Arc<str>, Arc<Slot>>;

impl Slots {
    /// The slot for a method and an endpoint; `make_cells` is called when it is new.
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

    /// Every slot so far.
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
