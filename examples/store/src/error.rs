//! The errors of the store, and their responses.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Every error of a handler. `#[investigate]` records its text. If the customer made the mistake, the
/// response has the text, too. If the store failed, the response has only a general text.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no toy `{0}`")]
    NoSuchToy(i64),
    #[error("`{toy}` is sold out: {wanted} wanted, {left} left")]
    SoldOut { toy: String, wanted: i64, left: i64 },
    /// A request with a wrong value.
    #[error("{0}")]
    Invalid(String),
    /// A request that cannot be parsed.
    #[error("{reason}")]
    Unreadable { status: StatusCode, reason: String },
    #[error("no wrapping paper is longer than {longest_cm} cm, and `{toy}` takes {needed_cm} cm")]
    PaperTooShort {
        toy: String,
        needed_cm: i64,
        longest_cm: i64,
    },
    #[error("the user service did not answer: {0}")]
    UserService(#[from] reqwest_middleware::Error),
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchToy(_) => StatusCode::NOT_FOUND,
            Self::SoldOut { .. } => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unreadable { status, .. } => *status,
            Self::UserService(error) if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            Self::UserService(_) => StatusCode::BAD_GATEWAY,
            Self::PaperTooShort { .. } | Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<reqwest::Error> for StoreError {
    fn from(error: reqwest::Error) -> Self {
        Self::UserService(error.into())
    }
}

impl IntoResponse for StoreError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            return apology(status);
        }
        (status, Json(json!({ "detail": self.to_string() }))).into_response()
    }
}

/// The response to a failure of the store. The trace has the reason.
pub fn apology(status: StatusCode) -> Response {
    let detail = "something went wrong in the store; please try again, or try another toy";
    (status, Json(json!({ "detail": detail }))).into_response()
}
