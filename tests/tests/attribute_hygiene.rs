//! The expansion works when the user shadows the names that it could use, and when the runtime
//! crate has another name.

#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]

/// Shadows every name that a careless expansion would use.
#[allow(dead_code, non_camel_case_types, non_snake_case, unused_macros)]
mod shadowed {
    pub(crate) enum Option {}
    pub(crate) enum Result {}
    pub(crate) enum String {}
    pub(crate) enum Box {}
    pub(crate) enum Span {}
    pub(crate) enum Site {}
    pub(crate) enum bool {}
    pub(crate) fn Some() {}
    pub(crate) fn None() {}
    pub(crate) fn Ok() {}
    pub(crate) fn Err() {}
    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod detective {}
    macro_rules! submit {
        ($($tokens:tt)*) => {
            ::core::compile_error!("the user's macro was called")
        };
    }
    macro_rules! line {
        () => {
            ::core::compile_error!("the user's macro was called")
        };
    }
    macro_rules! stringify {
        ($($tokens:tt)*) => {
            ::core::compile_error!("the user's macro was called")
        };
    }

    pub(crate) trait Method {
        fn run(self) -> i32;
        fn with(self) -> i32;
        fn value(&self) -> i32;
        fn error_text(&self) -> i32;
    }

    impl<T> Method for T {
        fn run(self) -> i32 {
            0
        }
        fn with(self) -> i32 {
            0
        }
        fn value(&self) -> i32 {
            0
        }
        fn error_text(&self) -> i32 {
            0
        }
    }

    #[::detective::investigate(fields(start, text = "x"), error_if = |end| *end > 9)]
    pub(crate) async fn asynchronous(start: i32) -> i32 {
        start
    }

    #[::detective::investigate(fields(start))]
    pub(crate) fn plain(start: i32) -> ::std::result::Result<i32, i32> {
        ::std::result::Result::Ok(start)
    }

    #[::detective::investigate]
    pub(crate) fn boxed()
    -> ::std::pin::Pin<::std::boxed::Box<dyn ::std::future::Future<Output = i32>>> {
        ::std::boxed::Box::pin(async { 1 })
    }
}

/// The runtime under another path.
mod renamed {
    pub(crate) use ::detective as observability;
}

#[::detective::investigate(crate = renamed::observability, fields(start))]
async fn through_another_path(start: i32) -> i32 {
    start
}

/// The user uses the names of the expansion.
#[::detective::investigate(fields(__detective_fields, __detective_output))]
async fn names_of_the_expansion(__detective_fields: i32, __detective_output: i32) -> i32 {
    let __detective_return = __detective_fields;
    static __DETECTIVE_CALLSITE: i32 = 1;
    __detective_return + __detective_output + __DETECTIVE_CALLSITE
}

/// In a `macro_rules!`, names and texts arrive in invisible groups.
macro_rules! declare {
    ($name:ident, $text:expr, $type:ty) => {
        #[::detective::investigate(name = $text, sample = 0.5, fields(value, doubled = value + value))]
        fn $name(value: $type) -> $type {
            value
        }
    };
}

declare!(declared, "by a macro", i32);

/// So do whole items, types and bodies.
macro_rules! declare_item {
    ($item:item $type:ty, $body:block) => {
        #[::detective::investigate]
        $item

        #[::detective::investigate]
        impl $type {
            fn by_a_macro(&self) -> i32 $body
        }
    };
}

declare_item! {
    async fn declared_item(value: i32) -> i32 {
        value
    }
    Declared, { 1 }
}

struct Declared;

/// One investigated function inside another.
#[::detective::investigate]
fn outer() -> i32 {
    #[::detective::investigate]
    fn inner() -> i32 {
        1
    }
    inner()
}

#[test]
fn hygiene() {
    let runtime = ::tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers");
    ::std::assert_eq!(runtime.block_on(shadowed::asynchronous(1)), 1);
    ::std::assert_eq!(shadowed::plain(1), ::std::result::Result::Ok(1));
    ::std::assert_eq!(runtime.block_on(shadowed::boxed()), 1);
    ::std::assert_eq!(runtime.block_on(through_another_path(1)), 1);
    ::std::assert_eq!(runtime.block_on(names_of_the_expansion(1, 2)), 4);
    ::std::assert_eq!(declared(1), 1);
    ::std::assert_eq!(runtime.block_on(declared_item(1)), Declared.by_a_macro());
    ::std::assert_eq!(outer(), 1);
}
