//! `/orders`: the status of an order, and buying a toy.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use detective::investigate;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::extract::{self, Path, within};
use crate::store::Store;
use crate::toys;
use crate::users::User;

const MOST_PER_ORDER: i64 = 100;

/// The number of customers. Their ids start at 0.
const CUSTOMERS: i64 = 100;

/// The answer of `GET /orders/{order_id}`.
#[derive(Debug, Serialize)]
pub struct Order {
    id: i64,
    status: String,
    user: User,
}

/// The body of `POST /orders`.
#[derive(Debug, Deserialize)]
pub struct NewOrder {
    toy_id: i64,
    quantity: i64,
}

/// The answer of `POST /orders`.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub struct Receipt {
    id: i64,
    toy_id: i64,
    quantity: i64,
    total_cents: i64,
    status: String,
}

#[investigate(fields(order_id))]
pub async fn get_order(
    State(store): State<Store>,
    Path(order_id): Path<i64>,
) -> Result<Json<Order>, StoreError> {
    let status = get_order_details(&store, order_id).await?;
    let user = get_user_details(&store, order_id.rem_euclid(CUSTOMERS)).await?;
    Ok(Json(Order {
        id: order_id,
        status,
        user,
    }))
}

#[investigate(fields(toy_id = order.toy_id, quantity = order.quantity))]
pub async fn buy(
    State(store): State<Store>,
    extract::Json(order): extract::Json<NewOrder>,
) -> Result<impl IntoResponse, StoreError> {
    within("quantity", order.quantity, 1..=MOST_PER_ORDER)?;
    let receipt = sell(&store, order.toy_id, order.quantity).await?;
    toys::forget_toy(&store, order.toy_id).await;
    detective::set_field("total_cents", receipt.total_cents);
    Ok((
        StatusCode::CREATED,
        [(LOCATION, format!("/orders/{}", receipt.id))],
        Json(receipt),
    ))
}

/// The status of the order. An unknown order counts as `processing`.
#[investigate]
async fn get_order_details(store: &Store, order_id: i64) -> Result<String, StoreError> {
    let status = sqlx::query_scalar("SELECT status FROM orders WHERE id = ?")
        .bind(order_id)
        .fetch_optional(&store.database)
        .await?;
    Ok(status.unwrap_or_else(|| "processing".to_owned()))
}

/// Asks the user service over HTTP. Its spans are in the same trace.
#[investigate(fields(user_id))]
async fn get_user_details(store: &Store, user_id: i64) -> Result<User, StoreError> {
    let url = format!("{}/users/{user_id}", store.user_service);
    Ok(store
        .http
        .get(url)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?)
}

/// Takes the toys out of stock and writes the order, or does neither.
#[investigate]
async fn sell(store: &Store, toy_id: i64, quantity: i64) -> Result<Receipt, StoreError> {
    let mut sale = store.database.begin().await?;
    // One statement checks and takes, so two customers cannot both get the last toy.
    let taken =
        "UPDATE toys SET stock = stock - ?1 WHERE id = ?2 AND stock >= ?1 RETURNING price_cents";
    let price_cents: Option<i64> = sqlx::query_scalar(taken)
        .bind(quantity)
        .bind(toy_id)
        .fetch_optional(&mut *sale)
        .await?;
    let Some(price_cents) = price_cents else {
        sale.rollback().await?;
        return Err(why_not(store, toy_id, quantity).await?);
    };
    let written = "INSERT INTO orders (toy_id, quantity, total_cents) VALUES (?, ?, ?) \
                   RETURNING id, toy_id, quantity, total_cents, status";
    let receipt = sqlx::query_as(written)
        .bind(toy_id)
        .bind(quantity)
        .bind(price_cents * quantity)
        .fetch_one(&mut *sale)
        .await?;
    sale.commit().await?;
    Ok(receipt)
}

/// Why the toys could not be taken out of stock.
#[investigate]
async fn why_not(store: &Store, toy_id: i64, wanted: i64) -> Result<StoreError, StoreError> {
    let shelf: Option<(String, i64)> = sqlx::query_as("SELECT name, stock FROM toys WHERE id = ?")
        .bind(toy_id)
        .fetch_optional(&store.database)
        .await?;
    Ok(match shelf {
        Some((toy, left)) => StoreError::SoldOut { toy, wanted, left },
        None => StoreError::NoSuchToy(toy_id),
    })
}
