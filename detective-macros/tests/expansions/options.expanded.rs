fn find_toy() -> Result<Toy, NoToy> {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "find_toy",
        function: "find_toy",
        module: ::core::module_path!(),
        package: ::core::env!("CARGO_PKG_NAME"),
        version: ::core::env!("CARGO_PKG_VERSION"),
        file: ::core::file!(),
        line: ::core::line!(),
        options: ::detective::__private::Options {
            slow: ::core::option::Option::Some(
                ::core::time::Duration::new(1u64, 500000000u32),
            ),
            sample: ::core::option::Option::Some(0.1f64),
            record: ::core::option::Option::Some(false),
            buckets: ::core::option::Option::Some(&[0.1f64, 1f64, 2.5f64]),
            ..::detective::__private::Options::NONE
        },
    });
    ::detective::__private::submit!(& __DETECTIVE_CALLSITE);
    ::detective::__private::Span::start(&__DETECTIVE_CALLSITE)
        .run(
            move || -> Result<Toy, NoToy> { Err(NoToy) },
            |__detective_output| {
                ::detective::__private::error_text!(
                    __detective_output, | answer | answer.is_err()
                )
            },
        )
}
