#[investigate]
async fn get_toy(Path(id): Path<i64>, State(store): State<Store>) -> Result<Json<Toy>, StoreError> {
    Ok(Json(store.find_toy(id).await?))
}
