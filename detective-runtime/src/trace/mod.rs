//! One trace inside this process: the current record, its spans, and what is kept of them.

mod client_span;
pub(crate) mod context;
mod function;
mod id;
mod in_context;
mod panic;
mod passed_on;
mod propagation;
mod sampling;
mod span;

pub(crate) use client_span::ClientSpan;
pub use function::{
    Fields, FunctionCall, FunctionFuture, FunctionStream, enter, fields, run, run_async,
    run_future, run_stream,
};
pub(crate) use id::{first_span_id, trace_id};
pub use in_context::{InContext, InCurrentContext};
pub(crate) use panic::note_panics;
pub(crate) use passed_on::PassedOn;
#[cfg(feature = "http-client")]
pub(crate) use passed_on::expect_client;
pub(crate) use propagation::{FLAG_RANDOM, FLAG_SAMPLED, extract};
pub(crate) use sampling::{Keep, Ratio, decide};
pub(crate) use span::{End, OpenSpan, set_field, settle_mark};

use crate::clock;
use crate::record::UniqueRecord;

/// Ends a record that is not a request's and hands it over to the pipeline.
pub(crate) fn finish(mut record: UniqueRecord) {
    record.end = clock::now();
    let Some(owner) = record.owner.clone() else {
        return;
    };
    if record.spans.is_empty() && !record.has_detached {
        // Nothing is exported of it: tracing is off, or its rule leaves the spans out.
        owner.instance.hand_over.give_back(record);
    } else {
        owner.instance.hand_over(record);
    }
}
