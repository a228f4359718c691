//! From the request's thread to the sinks: one thread of our own, with its own runtime, takes the
//! finished records and writes, exports and forgets them.

pub(crate) mod address;
mod hand_over;
mod kept;
mod late;
mod rows;
pub(crate) mod spans;
mod visitor;
mod worker;

pub(crate) use hand_over::HandOver;
pub(crate) use kept::Kept;
#[cfg(test)]
pub(crate) use kept::tests as kept_tests;
pub(crate) use rows::{RowRecords, RowSink};
pub(crate) use visitor::Visitors;
pub(crate) use worker::{Flusher, Pipeline, Sinks};
