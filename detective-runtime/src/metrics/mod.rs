//! Counters and histograms: cells that requests write, and how `/metrics` reads them.

mod stats;

pub(crate) use stats::{DropReason, Part, Stats};
