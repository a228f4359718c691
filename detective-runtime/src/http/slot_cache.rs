//! The slots that a layered service has used.

use std::sync::{Arc, OnceLock};

use axum::extract::MatchedPath;
use http::Method;

use crate::rules::Slot;

/// The slots that a layered service has used. Most services serve one method of one route.
#[derive(Debug, Default)]
pub(crate) struct SlotCache {
    entries: [OnceLock<(Method, MatchedPath, Arc<Slot>)>; 4],
}

impl SlotCache {
    /// The slot, if the service has used it before.
    pub(crate) fn get(&self, method: &Method, path: &MatchedPath) -> Option<&Arc<Slot>> {
        self.entries
            .iter()
            .map_while(OnceLock::get)
            .find_map(|(known_method, known_path, slot)| {
                (known_method == method && is_same(known_path.as_str(), path.as_str()))
                    .then_some(slot)
            })
    }

    /// Remembers a slot while there is room. The first ones stay; a service that serves more pairs
    /// looks the others up in the instance's map.
    pub(crate) fn add(&self, method: &Method, path: &MatchedPath, slot: &Arc<Slot>) {
        let mut entry = (method.clone(), path.clone(), Arc::clone(slot));
        for place in &self.entries {
            match place.set(entry) {
                Ok(()) => return,
                Err(returned) => entry = returned,
            }
        }
    }
}

/// Whether the texts are equal. Routers return the same allocation for the same route, so comparing
/// the pointers is nearly always enough.
fn is_same(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one == other
}
