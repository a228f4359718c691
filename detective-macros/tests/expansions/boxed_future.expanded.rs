fn find_toy<'a>(
    &'a self,
    id: i64,
) -> Pin<Box<dyn Future<Output = Option<Toy>> + Send + 'a>> {
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
    ::std::boxed::Box::pin(
        ::detective::__private::run_future(
            &__DETECTIVE_CALLSITE,
            move || -> Pin<Box<dyn Future<Output = Option<Toy>> + Send + 'a>> {
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
                    () => Box::pin(async move { self.find(id).await }),
                }
            },
            move |__detective_output| {
                ::detective::__private::error_text!(__detective_output)
            },
        ),
    )
}
