fn find_toy() -> Result<Toy, NoToy> {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "find_toy",
        function: "find_toy",
        module: ::core::module_path!(),
        package: ::core::env!("CARGO_PKG_NAME"),
        version: ::core::env!("CARGO_PKG_VERSION"),
        file: ::core::file!(),
        line: ::core::line!(),
        options: ::detective::__private::Options::NONE
            .slow(::core::time::Duration::new(1u64, 500000000u32))
            .sample(0.1f64)
            .record(false)
            .buckets(&[0.1f64, 1f64, 2.5f64]),
    });
    ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
    ::detective::__private::run(
        &__DETECTIVE_CALLSITE,
        move || -> Result<Toy, NoToy> {
            match () {
                () => Err(NoToy),
            }
        },
        move |__detective_output| {
            ::detective::__private::error_text!(
                __detective_output, | answer | answer.is_err()
            )
        },
    )
}
