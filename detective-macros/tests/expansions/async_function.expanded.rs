fn get_toy(
    Path(id): Path<i64>,
    State(store): State<Store>,
) -> impl ::core::future::Future<Output = Result<Json<Toy>, StoreError>> {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "get_toy",
        function: "get_toy",
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
            let id = id;
            let store = store;
            if let ::core::option::Option::Some(__detective_return) = ::core::option::Option::None::<
                Result<Json<Toy>, StoreError>,
            > {
                return __detective_return;
            }
            match () {
                () => Ok(Json(store.find_toy(id).await?)),
            }
        },
        move |__detective_output| ::detective::__private::error_text!(__detective_output),
    )
}
