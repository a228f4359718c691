//! Converts what an investigated function returned to the text of its error.
//!
//! The type is the user's, and often generic, so the compiler decides how it is read: method look-up tries the
//! [`Returned`] with the most references first, and moves on when its bounds do not hold.

use std::any::type_name;
use std::fmt::{Debug, Display};

use crate::attribute::render;

/// Converts a reference to the returned value to `Option<String>`: the text of an `Err`, and `None`
/// for everything else, including types other than `Result`. A second argument is a condition on
/// the value, which decides instead.
#[doc(hidden)]
#[macro_export]
macro_rules! __detective_error_text {
    ($reference:expr) => {{
        use $crate::__private::ErrorText as _;
        (&&&&$crate::__private::Returned($reference)).__detective_error_text()
    }};
    ($reference:expr, $condition:expr) => {
        $crate::__private::error_if($reference, $condition, |output| {
            $crate::__private::error_text!(output)
        })
    };
}

/// Holds what an investigated function was, for an attribute that comes later under another name, and expands to nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! __detective_original {
    ($($function:tt)*) => {};
}

/// The text of a value that is an error when `condition` holds. A value without an `Err` may
/// contain anything, so it is not printed.
pub fn error_if<T: ?Sized>(
    output: &T,
    condition: impl FnOnce(&T) -> bool,
    text: impl FnOnce(&T) -> Option<String>,
) -> Option<String> {
    condition(output).then(|| text(output).unwrap_or_else(|| "`error_if` holds".to_owned()))
}

/// The value that an investigated function returned.
#[derive(Debug)]
pub struct Returned<'a, T: ?Sized>(pub &'a T);

/// The steps of the look-up, one implementation each, most references first. The method has a name
/// that no blanket trait of the user has.
pub trait ErrorText {
    /// The text of the error, if the value is one.
    fn __detective_error_text(&self) -> Option<String>;
}

impl<T, E: Display> ErrorText for &&&Returned<'_, Result<T, E>> {
    fn __detective_error_text(&self) -> Option<String> {
        self.0
            .as_ref()
            .err()
            .map(|error| render(format_args!("{error}")))
    }
}

impl<T, E: Debug> ErrorText for &&Returned<'_, Result<T, E>> {
    fn __detective_error_text(&self) -> Option<String> {
        self.0
            .as_ref()
            .err()
            .map(|error| render(format_args!("{error:?}")))
    }
}

impl<T, E> ErrorText for &Returned<'_, Result<T, E>> {
    fn __detective_error_text(&self) -> Option<String> {
        self.0.as_ref().err().map(|_| type_name::<E>().to_owned())
    }
}

impl<T: ?Sized> ErrorText for Returned<'_, T> {
    fn __detective_error_text(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: Option<String>, expected: Option<&str>) {
        assert_eq!(text.as_deref(), expected);
    }

    #[derive(Debug)]
    struct Debugged;

    struct Opaque;

    #[test]
    fn an_error_is_displayed_else_debugged_else_named() {
        check(
            __detective_error_text!(&Err::<(), _>("sold out")),
            Some("sold out"),
        );
        check(
            __detective_error_text!(&Err::<(), _>(Debugged)),
            Some("Debugged"),
        );
        check(
            __detective_error_text!(&Err::<(), _>((404, "no toy"))),
            Some("(404, \"no toy\")"),
        );
        check(
            __detective_error_text!(&Err::<(), _>(Opaque)),
            Some("detective::attribute::returned::tests::Opaque"),
        );
    }

    #[test]
    fn nothing_else_is_an_error() {
        check(__detective_error_text!(&Ok::<_, &str>(1)), None);
        check(__detective_error_text!(&Ok::<_, Opaque>(Opaque)), None);
        check(__detective_error_text!(&()), None);
        check(__detective_error_text!("text"), None);
        check(__detective_error_text!(&Some(Opaque)), None);
        check(__detective_error_text!(&&Err::<(), _>("borrowed")), None);
    }

    #[test]
    fn a_condition_decides_instead() {
        check(
            __detective_error_text!(&Err::<(), _>("none left"), |answer| answer.is_err()),
            Some("none left"),
        );
        check(
            __detective_error_text!(&Err::<(), _>("no such toy"), |_| false),
            None,
        );
        check(
            __detective_error_text!(&404, |status| *status >= 400),
            Some("`error_if` holds"),
        );
    }

    #[test]
    fn a_bound_decides_in_a_generic_function() {
        fn displayed<E: Display>(error: E) -> Option<String> {
            __detective_error_text!(&Err::<(), E>(error))
        }
        fn unbound<T>(value: T) -> Option<String> {
            __detective_error_text!(&Err::<(), T>(value))
        }
        check(displayed("sold out"), Some("sold out"));
        check(unbound(7_i32), Some("i32"));
    }

    #[test]
    fn an_opaque_type_is_read_as_what_it_shows() {
        fn opaque() -> Result<(), impl Display> {
            Err("sold out")
        }
        check(__detective_error_text!(&opaque()), Some("sold out"));
    }
}
