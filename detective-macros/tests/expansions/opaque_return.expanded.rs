fn names(toys: Vec<Toy>) -> Result<impl Iterator<Item = impl Display>, StoreError> {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "names",
        function: "names",
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
        move || -> Result<_, StoreError> {
            let toys = toys;
            match () {
                () => Ok(toys.into_iter().map(|toy| toy.name)),
            }
        },
        move |__detective_output| ::detective::__private::error_text!(__detective_output),
    )
}
