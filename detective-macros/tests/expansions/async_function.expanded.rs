async fn get_toy(
    Path(id): Path<i64>,
    State(store): State<Store>,
) -> Result<Json<Toy>, StoreError> {
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
    ::detective::__private::Span::start(&__DETECTIVE_CALLSITE)
        .run_async(
            async move {
                if let ::core::option::Option::Some(__detective_return) = ::core::option::Option::None::<
                    Result<Json<Toy>, StoreError>,
                > {
                    return __detective_return;
                }
                { Ok(Json(store.find_toy(id).await?)) }
            },
            |__detective_output| ::detective::__private::error_text!(__detective_output),
        )
        .await
}
