#[investigate]
fn names(toys: Vec<Toy>) -> Result<impl Iterator<Item = impl Display>, StoreError> {
    Ok(toys.into_iter().map(|toy| toy.name))
}
