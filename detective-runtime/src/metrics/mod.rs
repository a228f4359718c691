//! Counters and histograms: cells that requests write, and how `/metrics` reads them.
//!
//! ```text
//! request ─► RouteCells, FunctionCells ─┐
//! pipeline ─► Stats ────────────────────┤ collect ─► MetricsRegistry ─► exposition ─► /metrics
//! application's prometheus registry ────┘
//! ```

mod bounds;
mod cells;
mod collect;
mod durations;
mod exposition;
mod histogram;
mod in_flight;
mod labels;
mod names;
mod negotiate;
mod observation;
mod openmetrics;
mod registry;
mod shard;
mod sources;
mod stats;
mod status;

pub(crate) use bounds::Bounds;
pub(crate) use cells::{Calls, FunctionCells, RouteCells};
pub(crate) use names::{OTHER_METHOD, UNMATCHED};
pub(crate) use observation::{ErrorType, Observation, ProtocolVersion, Scheme};
pub(crate) use registry::MetricsRegistry;
pub(crate) use shard::current as thread_shard;
pub(crate) use sources::QueueFill;
pub(crate) use stats::{DropReason, Part, Stats};
