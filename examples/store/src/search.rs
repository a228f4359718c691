//! `GET /search?q=`: toys by a part of their name, and when each is available.
//!
//! Some searches take a hundred times as long as others. This is the first problem to solve: which ones,
//! and why?

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use detective::investigate;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::error::StoreError;
use crate::extract::Query;
use crate::store::Store;
use crate::toys::Toy;

const MOST_HITS: i64 = 50;
const LONGEST_QUESTION: usize = 100;

/// The simulated time of one call to the workshop.
const TELEPHONE_PAUSE: Duration = Duration::from_millis(180);

/// The query parameters.
#[derive(Debug, Deserialize)]
pub struct Question {
    q: String,
}

/// One toy that was found.
#[derive(Debug, Serialize)]
pub struct Hit {
    toy: Toy,
    available: String,
}

#[investigate(fields(q = question.q.as_str()))]
pub async fn search(
    State(store): State<Store>,
    Query(question): Query<Question>,
) -> Result<Json<Vec<Hit>>, StoreError> {
    let words = question.q.trim();
    if words.is_empty() || words.chars().count() > LONGEST_QUESTION {
        return Err(StoreError::Invalid(format!(
            "`q` is `{words}`, expected 1 to {LONGEST_QUESTION} characters"
        )));
    }
    let mut hits = Vec::new();
    for toy in toys_named(&store, words).await? {
        let available = availability(&store, &toy).await?;
        hits.push(Hit { toy, available });
    }
    Ok(Json(hits))
}

#[investigate]
async fn toys_named(store: &Store, words: &str) -> Result<Vec<Toy>, StoreError> {
    let query = "SELECT id, name, price_cents, stock, length_cm FROM toys \
                 WHERE instr(lower(name), lower(?)) > 0 ORDER BY id LIMIT ?";
    Ok(sqlx::query_as(query)
        .bind(words)
        .bind(MOST_HITS)
        .fetch_all(&store.database)
        .await?)
}

#[investigate(fields(toy = toy.name.as_str()))]
async fn availability(store: &Store, toy: &Toy) -> Result<String, StoreError> {
    if toy.stock > 0 {
        return Ok("on the shelf".to_owned());
    }
    let days = telephone_workshop(store, toy.id).await?;
    Ok(format!("back in {days} days"))
}

#[investigate]
async fn telephone_workshop(store: &Store, toy_id: i64) -> Result<i64, StoreError> {
    sleep(TELEPHONE_PAUSE).await;
    let days = sqlx::query_scalar("SELECT days FROM deliveries WHERE toy_id = ?")
        .bind(toy_id)
        .fetch_optional(&store.database)
        .await?;
    // There is no date for this toy, so the answer is the usual number of days.
    Ok(days.unwrap_or(14))
}
