#[investigate]
fn list_toys(store: &Store) -> BoxStream<'_, Result<Toy, StoreError>> {
    Box::pin(store.toys())
}
