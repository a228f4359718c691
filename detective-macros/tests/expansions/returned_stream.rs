#[investigate]
fn list_toys(store: &Store) -> impl Stream<Item = Toy> + Send {
    store.toys()
}
