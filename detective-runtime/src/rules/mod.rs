//! What the config decides for each route and function, resolved before requests need it.

pub(crate) mod boost;
pub(crate) mod decided;
pub(crate) mod layers;
pub(crate) mod matching;
mod slot;
mod snapshot;

pub(crate) use slot::{Slot, Slots};
pub(crate) use snapshot::Snapshot;
