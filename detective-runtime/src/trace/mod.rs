//! Traces: which one a request belongs to.

pub(crate) mod propagation;
