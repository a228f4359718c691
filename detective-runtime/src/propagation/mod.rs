//! Trace context between processes: ids, the place in a trace, and W3C headers in and out.

mod headers;
mod id;
mod passed_on;
mod place;
mod ratio;

pub(crate) use headers::{
    FLAG_RANDOM, FLAG_SAMPLED, TRACEPARENT, TRACESTATE, extract, format_traceparent,
};
pub(crate) use id::{first_span_id, trace_id};
pub(crate) use passed_on::PassedOn;
#[cfg(feature = "http-client")]
pub(crate) use passed_on::expect_client;
pub(crate) use place::{Parent, Trace};
pub(crate) use ratio::Ratio;
