//! What is measured, one way a file.

pub(crate) mod allocations;
pub(crate) mod instructions;
