//! The routes under `/analytics`.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::endpoint::{EndpointAnswer, match_template};
use super::error::AnalyticsError;
use super::health::{self, Health, HealthSnapshot};
use super::metrics::{self, EndpointMetrics};
use super::range::Range;
use crate::cache::Cache;
use crate::metrics::Stats;
use crate::store::{Filter, Identity, Reader};

/// How far back an answer reaches when no start is asked for, except where all rows are wanted.
const DEFAULT_RANGE: SignedDuration = SignedDuration::from_hours(1);

/// How long an answer waits for the rows of the requests just before it.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(250);

/// What the routes need of the running system.
#[derive(Clone)]
pub(crate) struct Analytics {
    /// `None` when the store is off.
    pub(crate) reader: Option<Reader>,
    pub(crate) cache: Cache,
    /// How long an answer is reused (`analytics.cache_ttl`).
    pub(crate) cache_ttl: Arc<dyn Fn() -> Duration + Send + Sync>,
    pub(crate) identity: Identity,
    pub(crate) stats: Arc<Stats>,
    /// Resolves when what was recorded before is written, so that an answer has it.
    pub(crate) settle: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
    /// The state of the parts at this moment.
    pub(crate) health: Arc<dyn Fn() -> HealthSnapshot + Send + Sync>,
}

impl fmt::Debug for Analytics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Analytics").finish_non_exhaustive()
    }
}

/// All routes, without an access check: see [`Access`](super::Access).
pub(crate) fn routes(analytics: Analytics) -> Router {
    Router::new()
        .route("/analytics", get(Html(include_str!("index.html"))))
        .route("/analytics/metrics", get(get_metrics))
        .route("/analytics/endpoint", get(get_endpoint_by_query))
        .route("/analytics/endpoint/", get(get_root_endpoint))
        .route("/analytics/endpoint/{*endpoint}", get(get_endpoint_by_path))
        .route("/analytics/health", get(get_health))
        .with_state(analytics)
}

async fn get_metrics(
    State(analytics): State<Analytics>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Vec<EndpointMetrics>>, AnalyticsError> {
    let question = Question::parse(&parameters)?;
    let answer = analytics.cached(question.key("metrics"), || async {
        let reader = analytics.reader()?;
        let endpoint = match &question.endpoint {
            Some(asked) => Some(analytics.template(reader, asked).await?),
            None => None,
        };
        let filter = question.filter(question.range, endpoint);
        let overview = reader.overview(&filter).await?;
        Ok(metrics::answer(overview, &question.range))
    });
    Ok(Json(answer.await?))
}

async fn get_endpoint_by_path(
    State(analytics): State<Analytics>,
    Path(endpoint): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<EndpointAnswer>, AnalyticsError> {
    get_endpoint(&analytics, endpoint, &parameters).await
}

async fn get_root_endpoint(
    State(analytics): State<Analytics>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<EndpointAnswer>, AnalyticsError> {
    let endpoint = last(&parameters, "endpoint").unwrap_or("/").to_owned();
    get_endpoint(&analytics, endpoint, &parameters).await
}

async fn get_endpoint_by_query(
    State(analytics): State<Analytics>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<EndpointAnswer>, AnalyticsError> {
    let Some(endpoint) = last(&parameters, "endpoint") else {
        return Err(AnalyticsError::BadRequest(
            "`endpoint` is missing, expected `/analytics/endpoint/users/{user_id}` or \
             `/analytics/endpoint?endpoint=/`"
                .to_owned(),
        ));
    };
    get_endpoint(&analytics, endpoint.to_owned(), &parameters).await
}

async fn get_endpoint(
    analytics: &Analytics,
    endpoint: String,
    parameters: &Parameters,
) -> Result<Json<EndpointAnswer>, AnalyticsError> {
    let question = Question {
        endpoint: Some(endpoint),
        ..Question::parse(parameters)?
    };
    let answer = analytics.cached(question.key("endpoint"), || async {
        let reader = analytics.reader()?;
        let asked = question.endpoint.as_deref().unwrap_or_default();
        let endpoint = analytics.template(reader, asked).await?;
        let range = Range {
            start: question.range.start.or_else(|| {
                let end = question.range.end.unwrap_or_else(Timestamp::now);
                end.checked_sub(DEFAULT_RANGE).ok()
            }),
            end: question.range.end,
        };
        let filter = question.filter(range, Some(endpoint));
        Ok(reader.endpoint(&filter).await?.into())
    });
    Ok(Json(answer.await?))
}

async fn get_health(State(analytics): State<Analytics>) -> Json<Health> {
    let snapshot = (analytics.health)();
    Json(health::answer(
        &snapshot,
        &analytics.stats,
        &analytics.identity,
    ))
}

impl Analytics {
    fn reader(&self) -> Result<&Reader, AnalyticsError> {
        self.reader.as_ref().ok_or(AnalyticsError::StoreOff)
    }

    /// The answer to `question` from a moment ago, or a new one.
    async fn cached<T, F, Fut>(&self, question: String, answer: F) -> Result<T, AnalyticsError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, AnalyticsError>>,
    {
        // Several services may share one Redis, and so may several instances of one, each of which
        // has rows of its own.
        let Identity {
            service, instance, ..
        } = &self.identity;
        let key = format!("detective:{service}:{instance}:{question}");
        let compute = || async {
            // Rows that wait for a database in trouble are not waited for.
            let _late = timeout(SETTLE_TIMEOUT, (self.settle)()).await;
            answer().await
        };
        self.cache
            .get_or_compute(&key, (self.cache_ttl)(), compute)
            .await
    }

    /// The template that `asked` means. What nothing knows stays as it is, and has no rows.
    async fn template(&self, reader: &Reader, asked: &str) -> Result<String, AnalyticsError> {
        let path = format!("/{}", asked.trim_start_matches('/'));
        let known = reader.endpoints().await?;
        if let Some(template) = known
            .iter()
            .find(|known| **known == asked || **known == path)
        {
            return Ok(template.clone());
        }
        Ok(match_template(&known, asked).map_or(path, str::to_owned))
    }
}

/// Query parameters in their order. Unknown ones are ignored.
type Parameters = Vec<(String, String)>;

/// What all routes can be asked.
#[derive(Debug)]
struct Question {
    range: Range,
    endpoint: Option<String>,
    method: Option<String>,
}

impl Question {
    fn parse(parameters: &Parameters) -> Result<Self, AnalyticsError> {
        let text = |name| last(parameters, name);
        Ok(Self {
            range: Range::parse(text("start_time"), text("end_time"))?,
            endpoint: text("endpoint").map(str::to_owned),
            method: text("method").map(str::to_ascii_uppercase),
        })
    }

    /// What the answer is kept under. A default range is not part of it: it moves all the time.
    fn key(&self, route: &str) -> String {
        let Self {
            range,
            endpoint,
            method,
        } = self;
        format!(
            "analytics:{route}:{:?}:{:?}:{method:?}:{endpoint:?}",
            range.start, range.end
        )
    }

    fn filter(&self, range: Range, endpoint: Option<String>) -> Filter {
        Filter {
            start: range.start(),
            end: range.end(),
            endpoint,
            method: self.method.clone(),
        }
    }
}

/// The value of a parameter; the last one when it is given more than once.
fn last<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    let mut values = parameters.iter().rev();
    let (_, value) = values.find(|(key, _)| key == name)?;
    Some(value)
}
