//! The facts that `#[investigate]` states, and how the compiler chooses what is recorded.

pub(crate) mod callsite;
pub(crate) mod field;
mod options;
pub(crate) mod returned;

pub use callsite::{Callsite, Site};
pub(crate) use field::render;
pub use options::Options;
