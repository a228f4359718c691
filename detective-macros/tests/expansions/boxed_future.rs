#[investigate(fields(id))]
fn find_toy<'a>(&'a self, id: i64) -> Pin<Box<dyn Future<Output = Option<Toy>> + Send + 'a>> {
    Box::pin(async move { self.find(id).await })
}
