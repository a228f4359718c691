impl<T: Send> Find for Store<T> {
    type Error = NoToy;
    const LIMIT: usize = { 10 };
    async fn find(&self) {
        static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
            name: "find",
            function: "Store::find",
            module: ::core::module_path!(),
            package: ::core::env!("CARGO_PKG_NAME"),
            version: ::core::env!("CARGO_PKG_VERSION"),
            file: ::core::file!(),
            line: ::core::line!(),
            options: ::detective::__private::Options {
                histogram: ::core::option::Option::Some(false),
                ..::detective::__private::Options::NONE
            },
        });
        ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
        ::detective::__private::Span::start(&__DETECTIVE_CALLSITE)
            .run_async(
                async move {
                    if let ::core::option::Option::Some(__detective_return) = ::core::option::Option::None::<
                        (),
                    > {
                        return __detective_return;
                    }
                    {}
                },
                |__detective_output| {
                    ::detective::__private::error_text!(__detective_output)
                },
            )
            .await
    }
    fn remove(&mut self, id: i64) {
        static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
            name: "remove",
            function: "Store::remove",
            module: ::core::module_path!(),
            package: ::core::env!("CARGO_PKG_NAME"),
            version: ::core::env!("CARGO_PKG_VERSION"),
            file: ::core::file!(),
            line: ::core::line!(),
            options: ::detective::__private::Options {
                histogram: ::core::option::Option::Some(true),
                ..::detective::__private::Options::NONE
            },
        });
        ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
        ::detective::__private::Span::start(&__DETECTIVE_CALLSITE)
            .with(|__detective_fields| {
                use ::detective::__private::CapturedValue as _;
                __detective_fields
                    .add(
                        "id",
                        (&&&&&&::detective::__private::Captured(&id)).__detective_value(),
                    );
            })
            .run(
                move || -> () {},
                |__detective_output| {
                    ::detective::__private::error_text!(__detective_output)
                },
            )
    }
    const fn limit() -> usize {
        10
    }
}
