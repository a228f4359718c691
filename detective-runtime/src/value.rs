//! The value of a span's field.

use std::borrow::Cow;
use std::fmt;

/// A value that a span or an event carries.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A string.
    Text(Cow<'static, str>),
    /// Several strings, for example the values of a header.
    TextList(Vec<String>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::F64(value.into())
    }
}

impl From<char> for Value {
    fn from(value: char) -> Self {
        value.to_string().into()
    }
}

impl From<&'static str> for Value {
    fn from(value: &'static str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        value.clone().into()
    }
}

impl From<Cow<'static, str>> for Value {
    fn from(value: Cow<'static, str>) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<String>> for Value {
    fn from(value: Vec<String>) -> Self {
        Self::TextList(value)
    }
}

/// For integers that always fit.
macro_rules! from_narrow_integers {
    ($($integer:ty),*) => {
        $(impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                Self::I64(value.into())
            }
        })*
    };
}

/// For integers that may not fit. They become text then: OpenTelemetry knows signed 64 bits only,
/// and a wrong number is worse than a text.
macro_rules! from_wide_integers {
    ($($integer:ty),*) => {
        $(impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                i64::try_from(value).map_or_else(|_| value.to_string().into(), Self::I64)
            }
        })*
    };
}

/// For references to `Copy` types.
macro_rules! from_references {
    ($($copied:ty),*) => {
        $(impl From<&$copied> for Value {
            fn from(value: &$copied) -> Self {
                (*value).into()
            }
        })*
    };
}

from_narrow_integers!(i8, i16, i32, i64, u8, u16, u32);
from_wide_integers!(i128, isize, u64, u128, usize);
from_references!(
    bool, char, f32, f64, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(formatter),
            Self::I64(value) => value.fmt(formatter),
            Self::F64(value) => value.fmt(formatter),
            Self::Text(value) => write!(formatter, "{value:?}"),
            Self::TextList(values) => write!(formatter, "{values:?}"),
        }
    }
}

/// The text for a number that is not finite, as OTLP's own JSON writes it. It is exported instead of
/// the number: JSON has no way to write that, and Jaeger fails to answer with it.
pub(crate) fn not_finite(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number.is_infinite() {
        Some(if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: impl Into<Value>, expected: Value) {
        assert_eq!(value.into(), expected);
    }

    fn text(value: &'static str) -> Value {
        Value::Text(value.into())
    }

    #[test]
    fn every_type_keeps_its_kind() {
        check(true, Value::Bool(true));
        check(7_u8, Value::I64(7));
        check(-7_i64, Value::I64(-7));
        check(0.5_f32, Value::F64(0.5));
        check('x', text("x"));
        check("static", text("static"));
        check(String::from("owned"), text("owned"));
        check(String::from("borrowed"), text("borrowed"));
        check(
            vec![String::from("a")],
            Value::TextList(vec!["a".to_owned()]),
        );
    }

    #[test]
    fn a_number_beyond_64_signed_bits_becomes_text() {
        check(i64::MAX as u64, Value::I64(i64::MAX));
        check(u64::MAX, text("18446744073709551615"));
        check(i128::MIN, text("-170141183460469231731687303715884105728"));
    }
}
