fn list_toys(store: &Store) -> BoxStream<'_, Result<Toy, StoreError>> {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "list_toys",
        function: "list_toys",
        module: ::core::module_path!(),
        package: ::core::env!("CARGO_PKG_NAME"),
        version: ::core::env!("CARGO_PKG_VERSION"),
        file: ::core::file!(),
        line: ::core::line!(),
        options: ::detective::__private::Options::NONE,
    });
    ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
    ::std::boxed::Box::pin(
        ::detective::__private::run_stream(
            &__DETECTIVE_CALLSITE,
            move || -> BoxStream<'_, Result<Toy, StoreError>> {
                let store = store;
                match () {
                    () => Box::pin(store.toys()),
                }
            },
            move |__detective_output| {
                ::detective::__private::error_text!(__detective_output)
            },
        ),
    )
}
