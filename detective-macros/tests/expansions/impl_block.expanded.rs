impl<T: Send> Find for Store<T> {
    type Error = NoToy;
    const LIMIT: usize = { 10 };
    fn find(&self) -> impl ::core::future::Future<Output = ()> {
        static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
            name: "find",
            function: "Store::find",
            module: ::core::module_path!(),
            package: ::core::env!("CARGO_PKG_NAME"),
            version: ::core::env!("CARGO_PKG_VERSION"),
            file: ::core::file!(),
            line: ::core::line!(),
            options: ::detective::__private::Options::NONE.histogram(false),
        });
        ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
        ::detective::__private::run_async(
            &__DETECTIVE_CALLSITE,
            async move {
                if let ::core::option::Option::Some(__detective_return) = ::core::option::Option::None::<
                    (),
                > {
                    return __detective_return;
                }
                match () {
                    () => {}
                }
            },
            move |__detective_output| {
                ::detective::__private::error_text!(__detective_output)
            },
        )
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
            options: ::detective::__private::Options::NONE.histogram(true),
        });
        ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
        ::detective::__private::run(
            &__DETECTIVE_CALLSITE,
            move || -> () {
                let id = id;
                ::detective::__private::fields(|__detective_fields| {
                    use ::detective::__private::CapturedValue as _;
                    __detective_fields
                        .add(
                            "id",
                            (&&&&&&::detective::__private::Captured(&id))
                                .__detective_value(),
                        );
                });
                match () {
                    () => {}
                }
            },
            move |__detective_output| {
                ::detective::__private::error_text!(__detective_output)
            },
        )
    }
    const fn limit() -> usize {
        10
    }
}
