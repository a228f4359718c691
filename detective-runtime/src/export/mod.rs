//! From finished records to Jaeger.

mod span;

pub use span::SpanKind;
pub(crate) use span::{Attribute, ExportEvent, ExportSpan};
