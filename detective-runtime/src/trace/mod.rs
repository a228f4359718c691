//! One trace inside this process: the current record, its spans, and whether the trace is kept.

mod client_span;
pub(crate) mod context;
mod current;
mod function;
mod in_context;
mod panic;
mod sampling;
mod span;
mod within;

pub(crate) use client_span::ClientSpan;
pub use current::{ManualSpan, mark_error, set_consumer, set_field, start_span, trace_id};
pub use function::{
    Fields, FunctionCall, FunctionFuture, FunctionStream, enter, fields, run, run_async,
    run_future, run_stream,
};
pub use in_context::{InContext, InCurrentContext};
pub(crate) use panic::note_panics;
pub(crate) use sampling::{Keep, decide};
pub(crate) use span::settle_mark;
pub(crate) use within::{Surroundings, Within};

use std::sync::Arc;

use crate::clock;
use crate::record::UniqueRecord;

/// Ends a record that is not a request's, and queues it for the pipeline.
pub(crate) fn finish(mut record: UniqueRecord) {
    record.end = clock::now();
    let instance = Arc::clone(&record.owner.instance);
    if record.spans.is_empty() && !record.has_detached {
        // Nothing would be exported: tracing is off, or the rule leaves the spans out.
        instance.records.give_back(record);
    } else {
        instance.enqueue(record);
    }
}
