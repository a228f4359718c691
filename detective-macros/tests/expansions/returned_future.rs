#[investigate]
fn find_toy(id: i64) -> impl Future<Output = Option<Toy>> + Send {
    let key = key_of(id);
    async move { find(key).await }
}
