//! axum's extractors, with the store's own error type.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};

use crate::error::StoreError;

/// A parameter of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(StoreError))]
pub struct Path<T>(pub T);

/// The query parameters.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(StoreError))]
pub struct Query<T>(pub T);

/// A JSON body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(StoreError))]
pub struct Json<T>(pub T);

impl From<PathRejection> for StoreError {
    fn from(rejection: PathRejection) -> Self {
        if let PathRejection::FailedToDeserializePathParams(error) = &rejection
            && let ErrorKind::ParseError { value, .. } = error.kind()
        {
            return Self::Invalid(format!(
                "`{value}` in the path, expected a whole number of at most 64 bits"
            ));
        }
        Self::Invalid(rejection.body_text())
    }
}

impl From<QueryRejection> for StoreError {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

impl From<JsonRejection> for StoreError {
    fn from(rejection: JsonRejection) -> Self {
        Self::Unreadable {
            status: rejection.status(),
            reason: rejection.body_text(),
        }
    }
}

/// Checks that the value of the parameter `name` is in the range `allowed`.
pub fn within(
    name: &str,
    value: i64,
    allowed: std::ops::RangeInclusive<i64>,
) -> Result<i64, StoreError> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    let (least, most) = allowed.into_inner();
    Err(StoreError::Invalid(format!(
        "`{name}` is `{value}`, expected {least} to {most}"
    )))
}
