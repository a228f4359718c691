#[investigate]
fn measure(unit: Unit) -> impl Fn(String) -> usize {
    move |text| unit.of(text.len())
}
