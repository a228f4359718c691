//! Every route of the store.

use std::any::Any;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use detective::investigate;
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{self, CorsLayer};

use crate::error::apology;
use crate::store::Store;
use crate::{catalogue, gift_wrap, orders, search, toys, users};

/// The whole store. `/metrics` and `/analytics` are not here: Detective adds them.
pub fn router(store: Store) -> Router {
    // CORS is the outermost layer, so scripts of other sites can also read errors.
    let cors = CorsLayer::new()
        .allow_origin(cors::Any)
        .allow_methods(cors::Any)
        .allow_headers(cors::Any);
    Router::new()
        .route("/", get(welcome))
        .route("/health", get(health))
        .route("/users/{user_id}", get(users::get_user))
        .route("/orders", post(orders::buy))
        .route("/orders/{order_id}", get(orders::get_order))
        .route("/toys", get(toys::list_toys).post(toys::create_toy))
        .route("/toys/{toy_id}", get(toys::get_toy))
        .route("/catalogue.csv", get(catalogue::catalogue))
        .route("/search", get(search::search))
        .route("/gift-wrap/{toy_id}", get(gift_wrap::gift_wrap))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(note_customer))
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| {
            apology(StatusCode::INTERNAL_SERVER_ERROR)
        }))
        .layer(cors)
        .with_state(store)
}

#[investigate]
async fn welcome() -> Json<Value> {
    Json(json!({
        "store": "Detective's toy store",
        "doors": [
            "/toys", "/toys/1", "/users/1", "/orders/1", "/search?q=train", "/gift-wrap/1", "/catalogue.csv",
        ],
    }))
}

#[investigate]
async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn not_found() -> impl IntoResponse {
    (
        StatusCode::NOT_FOUND,
        Json(json!({ "detail": "Not Found" })),
    )
}

async fn method_not_allowed() -> impl IntoResponse {
    (
        StatusCode::METHOD_NOT_ALLOWED,
        Json(json!({ "detail": "Method Not Allowed" })),
    )
}

/// The name in the header `x-customer` becomes the `consumer` of the request's row.
async fn note_customer(request: Request, next: Next) -> Response {
    if let Some(Ok(name)) = request
        .headers()
        .get("x-customer")
        .map(|name| name.to_str())
    {
        detective::set_consumer(name);
    }
    next.run(request).await
}
