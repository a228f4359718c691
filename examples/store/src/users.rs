//! `GET /users/{user_id}`: a user, from the cache or the database.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use detective::investigate;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::error::StoreError;
use crate::extract::Path;
use crate::store::Store;

/// How long a user is cached.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

// On one machine everything is fast, and a trace of very short spans teaches little. So the service and
// its table wait for a moment each, unless the user is in the cache.
const NETWORK_PAUSE: Duration = Duration::from_millis(20);
const QUERY_PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct User {
    pub id: i64,
    pub name: String,
}

#[investigate(fields(user_id))]
pub async fn get_user(
    State(store): State<Store>,
    Path(user_id): Path<i64>,
) -> Result<Json<User>, StoreError> {
    external_service_call(&store, user_id).await.map(Json)
}

#[investigate]
async fn external_service_call(store: &Store, user_id: i64) -> Result<User, StoreError> {
    let key = format!("user:{user_id}");
    if let Some(user) = cache_check(store, &key).await {
        return Ok(user);
    }
    sleep(NETWORK_PAUSE).await;
    database_query(store, &key, user_id).await
}

#[investigate]
async fn cache_check(store: &Store, key: &str) -> Option<User> {
    store.detective.cache().get(key).await
}

/// Finds the user and caches them. A user who is not in the table is named after the id.
#[investigate]
async fn database_query(store: &Store, key: &str, user_id: i64) -> Result<User, StoreError> {
    sleep(QUERY_PAUSE).await;
    let user = sqlx::query_as("SELECT id, name FROM users WHERE id = ?")
        .bind(user_id)
        .fetch_optional(&store.database)
        .await?
        .unwrap_or_else(|| User {
            id: user_id,
            name: format!("User {user_id}"),
        });
    store.detective.cache().set(key, &user, REMEMBERED).await;
    Ok(user)
}
