fn find_toy() {
    static __DETECTIVE_CALLSITE: crate::observability::detective::__private::Callsite = crate::observability::detective::__private::Callsite::new(crate::observability::detective::__private::Site {
        name: "find_toy",
        function: "find_toy",
        module: ::core::module_path!(),
        package: ::core::env!("CARGO_PKG_NAME"),
        version: ::core::env!("CARGO_PKG_VERSION"),
        file: ::core::file!(),
        line: ::core::line!(),
        options: crate::observability::detective::__private::Options::NONE.sample(1f64),
    });
    crate::observability::detective::__private::submit!(& __DETECTIVE_CALLSITE);
    crate::observability::detective::__private::run(
        &__DETECTIVE_CALLSITE,
        move || -> () {
            match () {
                () => {}
            }
        },
        move |__detective_output| {
            crate::observability::detective::__private::error_text!(__detective_output)
        },
    )
}
