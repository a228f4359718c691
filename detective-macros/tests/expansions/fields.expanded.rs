fn find_toy(
    &self,
    toy_id: i64,
    id: Id,
    names: &[String],
    filter: Filter,
) -> impl ::core::future::Future<Output = Toy> {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "find toy",
        function: "find_toy",
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
            let toy_id = toy_id;
            let id = id;
            let names = names;
            let filter = filter;
            ::detective::__private::fields(|__detective_fields| {
                use ::detective::__private::CapturedValue as _;
                __detective_fields
                    .add(
                        "toy_id",
                        (&&&&&&::detective::__private::Captured(&toy_id))
                            .__detective_value(),
                    );
                __detective_fields.add("toy.id", ::detective::__private::display(&(id)));
                __detective_fields
                    .add(
                        "self.stock",
                        (&&&&&&::detective::__private::Captured(&self.stock))
                            .__detective_value(),
                    );
                __detective_fields
                    .add(
                        "count",
                        (&&&&&&::detective::__private::Captured(&(names.len() + 1)))
                            .__detective_value(),
                    );
                __detective_fields.add("filter", ::detective::__private::debug(&filter));
                __detective_fields
                    .add("app.owner", ::detective::__private::debug(&(self.owner())));
            });
            if let ::core::option::Option::Some(__detective_return) = ::core::option::Option::None::<
                Toy,
            > {
                return __detective_return;
            }
            match () {
                () => self.find(toy_id).await,
            }
        },
        move |__detective_output| ::detective::__private::error_text!(__detective_output),
    )
}
