#[investigate(histogram = false)]
impl<T: Send> Find for Store<T> {
    type Error = NoToy;

    const LIMIT: usize = { 10 };

    async fn find(&self) {}

    #[investigate(histogram = true, fields(id))]
    fn remove(&mut self, id: i64) {}

    #[investigate(skip)]
    const fn limit() -> usize {
        10
    }
}
