/// Documented.
#[must_use]
pub(crate) fn total<'a, T: Price + ?Sized>(toys: &[&'a T], discount: u32) -> u32
where
    T: 'a,
{
    #![allow(clippy::cast_possible_truncation)]
    ::detective::__private::__detective_original! {
        "total" fn total < 'a, T : Price + ? Sized > (toys : & [& 'a T], mut discount :
        u32) -> u32 where T : 'a, { if toys.is_empty() { return 0; } discount *= 2; toys
        .iter().map(| toy | toy.price()).sum:: < u32 > () - discount }
    }
    static __DETECTIVE_CALLSITE: ::detective::__private::Callsite = ::detective::__private::Callsite::new(::detective::__private::Site {
        name: "total",
        function: "total",
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
        move || -> u32 {
            let toys = toys;
            let mut discount = discount;
            match () {
                () => {
                    if toys.is_empty() {
                        return 0;
                    }
                    discount *= 2;
                    toys.iter().map(|toy| toy.price()).sum::<u32>() - discount
                }
            }
        },
        move |__detective_output| ::detective::__private::error_text!(__detective_output),
    )
}
