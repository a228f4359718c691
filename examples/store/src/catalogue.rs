//! `GET /catalogue.csv`: every toy, streamed while the rows are read.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use detective::investigate;
use futures_util::stream::{self, Stream, StreamExt};

use crate::error::StoreError;
use crate::store::Store;
use crate::toys::Toy;

/// How many toys one query reads.
const CHUNK: i64 = 10;

#[investigate]
pub async fn catalogue(State(store): State<Store>) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"catalogue.csv\"",
        ),
    ];
    let head = stream::iter([Ok(Bytes::from_static(b"id,name,price_cents,stock\r\n"))]);
    (headers, Body::from_stream(head.chain(lines(store))))
}

/// The lines of the file, some at a time. An error in the middle ends the stream, because the head of the
/// response was already sent.
fn lines(store: Store) -> impl Stream<Item = Result<Bytes, StoreError>> {
    stream::try_unfold(0, move |last_id| {
        let store = store.clone();
        async move {
            let toys = next_toys(&store, last_id).await?;
            let Some(last) = toys.last() else {
                return Ok(None);
            };
            let lines: String = toys.iter().map(line).collect();
            Ok(Some((lines.into(), last.id)))
        }
    })
}

#[investigate]
async fn next_toys(store: &Store, last_id: i64) -> Result<Vec<Toy>, StoreError> {
    let query =
        "SELECT id, name, price_cents, stock, length_cm FROM toys WHERE id > ? ORDER BY id LIMIT ?";
    Ok(sqlx::query_as(query)
        .bind(last_id)
        .bind(CHUNK)
        .fetch_all(&store.database)
        .await?)
}

/// One line by RFC 4180: the name is in quotes, and quotes in the name are doubled.
fn line(toy: &Toy) -> String {
    let name = toy.name.replace('"', "\"\"");
    format!(
        "{},\"{name}\",{},{}\r\n",
        toy.id, toy.price_cents, toy.stock
    )
}
