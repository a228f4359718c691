fn wake() -> impl ::core::future::Future<Output = ()> {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "wake",
        function: "wake",
        module: ::core::module_path!(),
        package: ::core::env!("CARGO_PKG_NAME"),
        version: ::core::env!("CARGO_PKG_VERSION"),
        file: ::core::file!(),
        line: ::core::line!(),
        options: ::detective::__private::Options::NONE,
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
        move |__detective_output| ::detective::__private::error_text!(__detective_output),
    )
}
