#[investigate(name = "find toy", fields(toy_id, toy.id = %id, self.stock, count = names.len() + 1, ?filter, "app.owner" = ?self.owner()))]
async fn find_toy(&self, toy_id: i64, id: Id, names: &[String], filter: Filter) -> Toy {
    self.find(toy_id).await
}
