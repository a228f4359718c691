//! From finished requests to the sinks. One background thread with its own runtime drains the
//! finished records, writes and exports them, and returns them for reuse.

mod kept;
mod late;
mod rows;
pub(crate) mod spans;
mod thread;
mod worker;

pub(crate) use kept::Kept;
#[cfg(test)]
pub(crate) use kept::tests as kept_tests;
pub(crate) use rows::{RowRecords, RowSink};
pub(crate) use thread::{Flusher, Pipeline};
pub(crate) use worker::Sinks;
