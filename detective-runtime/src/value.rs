//! The value of a span's field.

use std::borrow::Cow;

/// A value that a span or an event carries.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A number with a fraction.
    F64(f64),
    /// A text.
    Text(Cow<'static, str>),
    /// Several texts, as a header may have.
    TextList(Vec<String>),
}
