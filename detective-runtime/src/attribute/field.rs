//! Converts a captured expression to the value of a field.
//!
//! `fields(user_id)` accepts an argument of any type. A number stays a number; anything else
//! becomes text by `Display`, or else by `Debug`. A type with neither is a compile error that says
//! so. The compiler makes the choice, also inside generic functions: method look-up tries the
//! [`Captured`] with the most references first, and continues when its bounds do not hold. The
//! expansion writes the look-up out instead of calling a macro, so that the compile error is under
//! the expression:
//!
//! ```text
//! (&&&&&&Captured(&user_id)).__detective_value()
//! ```

use std::borrow::Cow;
use std::fmt::{self, Debug, Display, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use crate::value::Value;

/// A type that converts to a value directly. `None` means that the field is not recorded.
pub trait Capture {
    /// The value to record.
    fn capture(&self) -> Option<Value>;
}

/// What a type without a value, `Display` or `Debug` lacks. Nothing implements it; it carries the
/// text of the compile error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded as a field",
    label = "neither a plain value, nor `Display`, nor `Debug`",
    note = "capture a part of it or a text made from it: `fields(key = expression)`; a type parameter needs \
            a bound such as `Display` or `Debug`"
)]
pub trait Recordable {}

/// The receiver of the method look-up.
#[derive(Debug)]
pub struct Captured<'a, T: ?Sized>(pub &'a T);

/// The steps of the look-up, one implementation each, most references first. The method has a name
/// that no blanket trait of the user has.
pub trait CapturedValue {
    /// The value to record.
    fn __detective_value(&self) -> Option<Value>;
}

impl<T: Capture + ?Sized> CapturedValue for &&&&&Captured<'_, T> {
    fn __detective_value(&self) -> Option<Value> {
        self.0.capture()
    }
}

impl<T: Display + ?Sized> CapturedValue for &&&&Captured<'_, T> {
    fn __detective_value(&self) -> Option<Value> {
        display(self.0)
    }
}

impl<T: Display> CapturedValue for &&&Captured<'_, Option<T>> {
    fn __detective_value(&self) -> Option<Value> {
        self.0.as_ref().and_then(display)
    }
}

impl<T: Debug> CapturedValue for &&Captured<'_, Option<T>> {
    fn __detective_value(&self) -> Option<Value> {
        self.0.as_ref().and_then(debug)
    }
}

impl<T: Debug + ?Sized> CapturedValue for &Captured<'_, T> {
    fn __detective_value(&self) -> Option<Value> {
        debug(self.0)
    }
}

impl<T: ?Sized> Captured<'_, T> {
    /// The last step never compiles. The bound is on the method, where look-up does not see it, so
    /// that the compiler reports the bound and its message.
    pub fn __detective_value(&self) -> Option<Value>
    where
        T: Recordable,
    {
        None
    }
}

/// The value of the field `%expression`.
pub fn display(value: &(impl Display + ?Sized)) -> Option<Value> {
    Some(render(format_args!("{value}")).into())
}

/// The value of the field `?expression`.
pub fn debug(value: &(impl Debug + ?Sized)) -> Option<Value> {
    Some(render(format_args!("{value:?}")).into())
}

/// Formats a value of a user's type. If that fails or panics, the text written so far is kept,
/// because recording must not harm the handler.
pub(crate) fn render(arguments: fmt::Arguments<'_>) -> String {
    let mut text = String::new();
    // The text is complete after every write, so a panic cannot leave it broken.
    let _ = catch_unwind(AssertUnwindSafe(|| text.write_fmt(arguments)));
    text
}

/// Types that convert to `Value` directly.
macro_rules! captured_by_copy {
    ($($copied:ty),*) => {
        $(impl Capture for $copied {
            fn capture(&self) -> Option<Value> {
                Some((*self).into())
            }
        })*
    };
}

captured_by_copy!(
    bool, char, f32, f64, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

impl Capture for str {
    fn capture(&self) -> Option<Value> {
        Some(self.to_owned().into())
    }
}

impl Capture for String {
    fn capture(&self) -> Option<Value> {
        self.as_str().capture()
    }
}

impl Capture for Cow<'_, str> {
    fn capture(&self) -> Option<Value> {
        self.as_ref().capture()
    }
}

impl Capture for [String] {
    fn capture(&self) -> Option<Value> {
        Some(self.to_vec().into())
    }
}

impl Capture for Vec<String> {
    fn capture(&self) -> Option<Value> {
        self.as_slice().capture()
    }
}

impl<T: Capture> Capture for Option<T> {
    fn capture(&self) -> Option<Value> {
        self.as_ref().and_then(Capture::capture)
    }
}

/// Pointers to a captured type.
macro_rules! captured_through {
    ($($pointer:ty),*) => {
        $(impl<T: Capture + ?Sized> Capture for $pointer {
            fn capture(&self) -> Option<Value> {
                (**self).capture()
            }
        })*
    };
}

captured_through!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! capture {
        ($reference:expr) => {
            (&&&&&&Captured($reference)).__detective_value()
        };
    }

    fn check(captured: Option<Value>, expected: impl Into<Value>) {
        assert_eq!(captured, Some(expected.into()));
    }

    struct Shown;

    impl Display for Shown {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("shown")
        }
    }

    #[derive(Debug)]
    struct Debugged;

    struct Broken;

    impl Display for Broken {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("half")?;
            Err(fmt::Error)
        }
    }

    #[test]
    fn plain_values_keep_their_type_behind_any_pointer() {
        let name = String::from("ann");
        check(capture!(&7_u16), 7);
        check(capture!(&&&true), true);
        check(capture!(&0.5), 0.5);
        check(capture!(&name), "ann");
        check(capture!(&*name), "ann");
        check(capture!(&&mut String::from("ann")), "ann");
        check(capture!(&Arc::<str>::from("ann")), "ann");
        check(capture!(&Cow::Borrowed("ann")), "ann");
        check(capture!(&vec![name.clone()]), vec![name]);
    }

    #[test]
    fn other_types_are_displayed_else_debugged() {
        check(capture!(&Shown), "shown");
        check(capture!(&Debugged), "Debugged");
        check(capture!(&[1, 2]), "[1, 2]");
        check(capture!(&std::net::Ipv4Addr::LOCALHOST), "127.0.0.1");
    }

    #[test]
    fn an_option_is_its_value_or_nothing() {
        check(capture!(&Some(Some(7))), 7);
        check(capture!(&Some(Shown)), "shown");
        check(capture!(&Some(Debugged)), "Debugged");
        assert_eq!(capture!(&None::<i32>), None);
        assert_eq!(capture!(&None::<Shown>), None);
        assert_eq!(capture!(&None::<Debugged>), None);
    }

    #[test]
    fn a_bound_decides_in_a_generic_function() {
        fn displayed<T: Display>(value: T) -> Option<Value> {
            capture!(&value)
        }
        fn debugged<T: Debug>(value: T) -> Option<Value> {
            capture!(&value)
        }
        check(displayed(7), "7");
        check(debugged("x"), "\"x\"");
    }

    #[test]
    fn sigils_choose_the_format() {
        check(display("x"), "x");
        check(debug("x"), "\"x\"");
    }

    #[test]
    fn a_format_that_fails_or_panics_keeps_what_it_wrote() {
        struct Panicking;
        impl Display for Panicking {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("half")?;
                panic!("a formatter that panics on purpose");
            }
        }
        check(display(&Broken), "half");
        check(display(&Panicking), "half");
    }
}
