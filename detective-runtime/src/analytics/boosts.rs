//! `/analytics/boost`: laying a rule over everything for a while, and ending that.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::Value;

use super::error::AnalyticsError;
use crate::clock;
use crate::reload::Reloader;
use crate::rules::boost::{Boost, Target, Wanted};

/// A boost, as it is answered. What it leaves as it is has no field.
#[derive(Debug, Serialize)]
struct BoostAnswer {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<f64>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    slow: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spans: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<bool>,
    until: String,
    seconds_left: f64,
}

#[derive(Debug, Serialize)]
struct Ended {
    ended: usize,
}

/// The routes, without an access check: see [`Access`](super::Access).
pub(crate) fn boost_routes(reloader: Arc<Reloader>) -> Router {
    let all = get(list_boosts).post(begin_boost).delete(end_boosts);
    Router::new()
        .route("/analytics/boost", all)
        .route("/analytics/boost/{id}", delete(end_boost))
        .with_state(reloader)
}

async fn list_boosts(State(reloader): State<Arc<Reloader>>) -> Json<Vec<BoostAnswer>> {
    Json(reloader.boosts().iter().map(BoostAnswer::of).collect())
}

async fn begin_boost(
    State(reloader): State<Arc<Reloader>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<BoostAnswer>), AnalyticsError> {
    // A page from elsewhere can make a browser on this machine send a form or plain text here, but no
    // JSON unless it is allowed to.
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        return Err(AnalyticsError::BadRequest(
            "the body has the wrong type, expected `content-type: application/json`".to_owned(),
        ));
    }
    let example = "expected an object such as {\"route\": \"/checkout/{id}\", \"sample\": 1.0, \
                   \"for\": \"10m\"}";
    let fields = match serde_json::from_slice(&body) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => {
            let message = format!("the body is not an object, {example}");
            return Err(AnalyticsError::BadRequest(message));
        }
        Err(error) => {
            let message = format!("the body is not JSON ({error}), {example}");
            return Err(AnalyticsError::BadRequest(message));
        }
    };
    let wanted = Wanted::parse(&fields).map_err(AnalyticsError::BadRequest)?;
    let boost = reloader.boost(wanted).map_err(AnalyticsError::BadRequest)?;
    Ok((StatusCode::CREATED, Json(BoostAnswer::of(&boost))))
}

async fn end_boosts(State(reloader): State<Arc<Reloader>>) -> Json<Ended> {
    Json(Ended {
        ended: reloader.end_boosts(|_| true),
    })
}

async fn end_boost(
    State(reloader): State<Arc<Reloader>>,
    Path(id): Path<String>,
) -> Result<Json<Ended>, AnalyticsError> {
    let ended = match id.parse::<u64>() {
        Ok(id) => reloader.end_boosts(|boost: &Boost| boost.id == id),
        Err(_) => 0,
    };
    if ended > 0 {
        return Ok(Json(Ended { ended }));
    }
    let ids: Vec<String> = reloader
        .boosts()
        .iter()
        .map(|boost| format!("`{}`", boost.id))
        .collect();
    Err(AnalyticsError::NotFound(if ids.is_empty() {
        format!("there is no boost `{id}`, because no boost is in force")
    } else {
        format!("there is no boost `{id}`, expected {}", ids.join(" or "))
    }))
}

impl BoostAnswer {
    fn of(boost: &Boost) -> Self {
        let (route, function) = match boost.target.clone() {
            Target::Route(route) => (Some(route), None),
            Target::Function(function) => (None, Some(function)),
        };
        let rule = &boost.rule;
        Self {
            id: boost.id,
            route,
            function,
            sample: rule.sample,
            slow: rule.slow.map(|slow| slow.as_secs_f64()),
            record: rule.record,
            spans: rule.spans,
            histogram: rule.histogram,
            until: clock::text(boost.until),
            seconds_left: boost
                .end
                .saturating_duration_since(Instant::now())
                .as_secs_f64(),
        }
    }
}
