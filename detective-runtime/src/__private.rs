//! The only names that the attribute's expansion may use. Not for anyone else: they change without
//! notice.

pub use inventory::submit;

pub use crate::__detective_error_text as error_text;
pub use crate::__detective_original;
pub use crate::attribute::field::*;
pub use crate::attribute::returned::*;
pub use crate::attribute::{Callsite, Options, Site};
pub use crate::trace::{
    Fields, FunctionCall, FunctionFuture, FunctionStream, enter, fields, run, run_async,
    run_future, run_stream,
};
