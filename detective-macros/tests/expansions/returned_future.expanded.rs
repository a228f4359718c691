fn find_toy(id: i64) -> impl Future<Output = Option<Toy>> + Send {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "find_toy",
        function: "find_toy",
        module: ::core::module_path!(),
        package: ::core::env!("CARGO_PKG_NAME"),
        version: ::core::env!("CARGO_PKG_VERSION"),
        file: ::core::file!(),
        line: ::core::line!(),
        options: ::detective::__private::Options::NONE,
    });
    ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
    ::detective::__private::run_future::<
        Option<Toy>,
        _,
        _,
    >(
        &__DETECTIVE_CALLSITE,
        move || -> _ {
            let id = id;
            match () {
                () => {
                    let key = key_of(id);
                    async move { find(key).await }
                }
            }
        },
        move |__detective_output| ::detective::__private::error_text!(__detective_output),
    )
}
