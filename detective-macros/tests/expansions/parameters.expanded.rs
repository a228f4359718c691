#[allow(unused_assignments)]
fn commit(
    mut self,
    Json(user): Json<User>,
    __detective_2: Pair,
    __detective_3: Held,
    __detective_4: Permit,
    _unused: Lock,
) {
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "commit",
        function: "commit",
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
        move || -> () {
            let _ = &self;
            let mut user = user;
            let __detective_2 = __detective_2;
            let (first, _) = __detective_2;
            let mut __detective_3 = __detective_3;
            let Held(ref mut held) = __detective_3;
            let __detective_4 = __detective_4;
            #[allow(
                clippy::no_effect_underscore_binding,
                clippy::used_underscore_binding
            )]
            let _unused = _unused;
            match () {
                () => {
                    self.armed = false;
                }
            }
        },
        move |__detective_output| ::detective::__private::error_text!(__detective_output),
    )
}
