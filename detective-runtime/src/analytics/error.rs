//! Refusals and failures, each a `{"detail": "..."}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::store::StoreError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnalyticsError {
    /// A parameter cannot be understood: 400.
    #[error("{0}")]
    BadRequest(String),
    /// What is named does not exist: 404.
    #[error("{0}")]
    NotFound(String),
    /// There is no store to ask: 503.
    #[error("the store is off; set `store.enabled = true` to record requests")]
    StoreOff,
    /// The store cannot answer now: 503.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for AnalyticsError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::StoreOff | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        detail(status, &self.to_string())
    }
}

/// A JSON error.
pub(super) fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "detail": text }))).into_response()
}
