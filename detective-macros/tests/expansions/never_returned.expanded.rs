async fn serve(listener: Listener) -> ! {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "serve",
        function: "serve",
        module: ::core::module_path!(),
        package: ::core::env!("CARGO_PKG_NAME"),
        version: ::core::env!("CARGO_PKG_VERSION"),
        file: ::core::file!(),
        line: ::core::line!(),
        options: ::detective::__private::Options::NONE,
    });
    ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
    match ::detective::__private::run_async(
            &__DETECTIVE_CALLSITE,
            async move {
                let listener = listener;
                if let ::core::option::Option::Some(__detective_return) = ::core::option::Option::None::<
                    ::core::convert::Infallible,
                > {
                    return __detective_return;
                }
                match () {
                    () => {
                        loop {
                            listener.accept().await;
                        }
                    }
                }
            },
            move |__detective_output| {
                ::detective::__private::error_text!(__detective_output)
            },
        )
        .await
    {}
}
