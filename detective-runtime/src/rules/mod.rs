//! What the config decides for each route and function, worked out before requests ask.

pub(crate) mod boost;
pub(crate) mod decided;
pub(crate) mod layers;
pub(crate) mod matching;
mod slot;
mod snapshot;

pub(crate) use slot::{Slot, Slots};
pub(crate) use snapshot::Snapshot;
