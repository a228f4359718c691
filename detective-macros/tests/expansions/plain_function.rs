/// Documented.
#[investigate]
#[must_use]
pub(crate) fn total<'a, T: Price + ?Sized>(toys: &[&'a T], mut discount: u32) -> u32
where
    T: 'a,
{
    #![allow(clippy::cast_possible_truncation)]
    if toys.is_empty() {
        return 0;
    }
    discount *= 2;
    toys.iter().map(|toy| toy.price()).sum::<u32>() - discount
}
