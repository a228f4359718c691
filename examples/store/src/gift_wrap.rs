//! `GET /gift-wrap/{toy_id}`: a toy in paper, with a label.
//!
//! Some toys cannot be wrapped. The response does not say why. This is the second problem to solve: which
//! ones, and why? It has two answers.

use axum::Json;
use axum::extract::State;
use detective::investigate;
use serde::Serialize;

use crate::error::StoreError;
use crate::extract::Path;
use crate::store::Store;
use crate::toys::{self, Toy};

/// The length of the longest roll of paper in the store.
const LONGEST_PAPER_CM: i64 = 300;

/// The maximum length of a label, in bytes.
const LABEL_BYTES: usize = 16;

/// A wrapped toy.
#[derive(Debug, Serialize)]
pub struct Parcel {
    toy_id: i64,
    paper_cm: i64,
    label: String,
}

#[investigate(fields(toy_id))]
pub async fn gift_wrap(
    State(store): State<Store>,
    Path(toy_id): Path<i64>,
) -> Result<Json<Parcel>, StoreError> {
    let toy = toys::find_toy(&store, toy_id).await?;
    let paper_cm = cut_paper(&toy)?;
    let label = write_label(&toy);
    Ok(Json(Parcel {
        toy_id,
        paper_cm,
        label,
    }))
}

#[investigate]
fn cut_paper(toy: &Toy) -> Result<i64, StoreError> {
    let needed_cm = toy.length_cm * 2;
    if needed_cm > LONGEST_PAPER_CM {
        let toy = toy.name.clone();
        return Err(StoreError::PaperTooShort {
            toy,
            needed_cm,
            longest_cm: LONGEST_PAPER_CM,
        });
    }
    Ok(needed_cm)
}

#[investigate(fields(toy = toy.name.as_str()))]
fn write_label(toy: &Toy) -> String {
    if toy.name.len() <= LABEL_BYTES {
        return toy.name.clone();
    }
    format!("{}...", &toy.name[..LABEL_BYTES])
}
