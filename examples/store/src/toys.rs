//! `/toys`: the catalogue in pages, one toy, and new toys.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use detective::investigate;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::extract::{self, Path, Query, within};
use crate::store::Store;

/// How long a toy is cached. A sale removes it from the cache.
const REMEMBERED: Duration = Duration::from_secs(10);

const MOST_PER_PAGE: i64 = 100;
const LONGEST_NAME: usize = 80;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Toy {
    pub id: i64,
    pub name: String,
    pub price_cents: i64,
    pub stock: i64,
    pub length_cm: i64,
}

/// The body of `POST /toys`.
#[derive(Debug, Deserialize)]
pub struct NewToy {
    name: String,
    price_cents: i64,
    stock: i64,
    #[serde(default = "usual_length_cm")]
    length_cm: i64,
}

/// The query parameters of `GET /toys`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Paging {
    page: i64,
    per_page: i64,
}

/// One page of the catalogue.
#[derive(Debug, Serialize)]
pub struct Page {
    toys: Vec<Toy>,
    page: i64,
    per_page: i64,
    /// The number of toys on all pages.
    total: i64,
}

#[investigate(fields(page = paging.page))]
pub async fn list_toys(
    State(store): State<Store>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page>, StoreError> {
    let page = within("page", paging.page, 1..=i64::from(u32::MAX))?;
    let per_page = within("per_page", paging.per_page, 1..=MOST_PER_PAGE)?;
    let total = count_toys(&store).await?;
    let toys = toys_on_page(&store, (page - 1) * per_page, per_page).await?;
    Ok(Json(Page {
        toys,
        page,
        per_page,
        total,
    }))
}

#[investigate(fields(toy_id))]
pub async fn get_toy(
    State(store): State<Store>,
    Path(toy_id): Path<i64>,
) -> Result<Json<Toy>, StoreError> {
    find_toy(&store, toy_id).await.map(Json)
}

#[investigate]
pub async fn create_toy(
    State(store): State<Store>,
    extract::Json(new): extract::Json<NewToy>,
) -> Result<impl IntoResponse, StoreError> {
    let toy = insert_toy(&store, new.checked()?).await?;
    Ok((
        StatusCode::CREATED,
        [(LOCATION, format!("/toys/{}", toy.id))],
        Json(toy),
    ))
}

/// One toy, from the cache or the database. If many ask at the same time, one of them queries.
#[investigate(fields(toy_id))]
pub async fn find_toy(store: &Store, toy_id: i64) -> Result<Toy, StoreError> {
    let cache = store.detective.cache();
    cache
        .get_or_compute(&cache_key(toy_id), REMEMBERED, || query_toy(store, toy_id))
        .await
}

/// Removes a toy from the cache, because it has changed.
#[investigate]
pub async fn forget_toy(store: &Store, toy_id: i64) {
    store.detective.cache().remove(&cache_key(toy_id)).await;
}

#[investigate]
async fn query_toy(store: &Store, toy_id: i64) -> Result<Toy, StoreError> {
    sqlx::query_as("SELECT id, name, price_cents, stock, length_cm FROM toys WHERE id = ?")
        .bind(toy_id)
        .fetch_optional(&store.database)
        .await?
        .ok_or(StoreError::NoSuchToy(toy_id))
}

#[investigate]
async fn count_toys(store: &Store) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM toys")
        .fetch_one(&store.database)
        .await?)
}

#[investigate]
async fn toys_on_page(store: &Store, skipped: i64, limit: i64) -> Result<Vec<Toy>, StoreError> {
    let query =
        "SELECT id, name, price_cents, stock, length_cm FROM toys ORDER BY id LIMIT ? OFFSET ?";
    Ok(sqlx::query_as(query)
        .bind(limit)
        .bind(skipped)
        .fetch_all(&store.database)
        .await?)
}

#[investigate]
async fn insert_toy(store: &Store, new: NewToy) -> Result<Toy, StoreError> {
    let query = "INSERT INTO toys (name, price_cents, stock, length_cm) VALUES (?, ?, ?, ?) \
                 RETURNING id, name, price_cents, stock, length_cm";
    Ok(sqlx::query_as(query)
        .bind(new.name)
        .bind(new.price_cents)
        .bind(new.stock)
        .bind(new.length_cm)
        .fetch_one(&store.database)
        .await?)
}

fn cache_key(toy_id: i64) -> String {
    format!("toy:{toy_id}")
}

fn usual_length_cm() -> i64 {
    30
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            page: 1,
            per_page: 20,
        }
    }
}

impl NewToy {
    fn checked(mut self) -> Result<Self, StoreError> {
        self.name = self.name.trim().to_owned();
        if self.name.is_empty() || self.name.chars().count() > LONGEST_NAME {
            let name = &self.name;
            return Err(StoreError::Invalid(format!(
                "`name` is `{name}`, expected 1 to {LONGEST_NAME} characters"
            )));
        }
        within("price_cents", self.price_cents, 1..=10_000_000)?;
        within("stock", self.stock, 0..=1_000_000)?;
        within("length_cm", self.length_cm, 1..=10_000)?;
        Ok(self)
    }
}
