mod toys {
    //! The toys.
    use std::fmt;
    pub struct Toy;
    impl fmt::Display for Toy {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
                name: "fmt",
                function: "Toy::fmt",
                module: ::core::module_path!(),
                package: ::core::env!("CARGO_PKG_NAME"),
                version: ::core::env!("CARGO_PKG_VERSION"),
                file: ::core::file!(),
                line: ::core::line!(),
                options: ::detective::__private::Options::NONE,
            });
            ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
            ::detective::__private::run(
                &__DETECTIVE_CALLSITE,
                move || -> fmt::Result {
                    let formatter = formatter;
                    match () {
                        () => formatter.write_str("toy"),
                    }
                },
                move |__detective_output| {
                    ::detective::__private::error_text!(__detective_output)
                },
            )
        }
    }
    trait Find {
        fn find();
        fn find_all() {
            static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
                name: "find_all",
                function: "Find::find_all",
                module: ::core::module_path!(),
                package: ::core::env!("CARGO_PKG_NAME"),
                version: ::core::env!("CARGO_PKG_VERSION"),
                file: ::core::file!(),
                line: ::core::line!(),
                options: ::detective::__private::Options::NONE,
            });
            ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
            ::detective::__private::run(
                &__DETECTIVE_CALLSITE,
                move || -> () {
                    match () {
                        () => {}
                    }
                },
                move |__detective_output| {
                    ::detective::__private::error_text!(__detective_output)
                },
            )
        }
    }
    mod shelf {
        fn count() {
            static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
                name: "count",
                function: "count",
                module: ::core::module_path!(),
                package: ::core::env!("CARGO_PKG_NAME"),
                version: ::core::env!("CARGO_PKG_VERSION"),
                file: ::core::file!(),
                line: ::core::line!(),
                options: ::detective::__private::Options::NONE,
            });
            ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
            ::detective::__private::run(
                &__DETECTIVE_CALLSITE,
                move || -> () {
                    match () {
                        () => {}
                    }
                },
                move |__detective_output| {
                    ::detective::__private::error_text!(__detective_output)
                },
            )
        }
    }
    mod cellar {
        fn count() {}
    }
    impl Toy {
        fn sampled() {
            static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
                name: "sampled",
                function: "Toy::sampled",
                module: ::core::module_path!(),
                package: ::core::env!("CARGO_PKG_NAME"),
                version: ::core::env!("CARGO_PKG_VERSION"),
                file: ::core::file!(),
                line: ::core::line!(),
                options: ::detective::__private::Options::NONE.sample(0.5f64),
            });
            ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
            ::detective::__private::run(
                &__DETECTIVE_CALLSITE,
                move || -> () {
                    match () {
                        () => {}
                    }
                },
                move |__detective_output| {
                    ::detective::__private::error_text!(__detective_output)
                },
            )
        }
        fn kept() {
            static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
                name: "kept",
                function: "Toy::kept",
                module: ::core::module_path!(),
                package: ::core::env!("CARGO_PKG_NAME"),
                version: ::core::env!("CARGO_PKG_VERSION"),
                file: ::core::file!(),
                line: ::core::line!(),
                options: ::detective::__private::Options::NONE.sample(1f64),
            });
            ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
            ::detective::__private::run(
                &__DETECTIVE_CALLSITE,
                move || -> () {
                    match () {
                        () => {}
                    }
                },
                move |__detective_output| {
                    ::detective::__private::error_text!(__detective_output)
                },
            )
        }
    }
}
