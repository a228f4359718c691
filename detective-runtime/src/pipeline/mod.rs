//! From the request's thread to the sinks: one thread of our own, with its own runtime, takes the
//! finished records and writes, exports and forgets them.

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
