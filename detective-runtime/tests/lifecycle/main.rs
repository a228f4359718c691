//! Tests what is recorded of a request: every way that it can end, every shape of router, and every
//! rule of the config.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod capture;
mod ends;
mod known_length;
mod marks;
mod routers;
mod rules;
mod served;
mod work;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use detective::Detective;
use detective::testing::{self, ApiMetric, Outcome, Sinks};
use tower::ServiceExt;

/// A router with the layer, and what it recorded.
struct Watched {
    detective: Detective,
    sinks: Sinks,
    app: Router,
}

/// A row in short form: endpoint, method, status, outcome.
type Left = (String, String, Option<u16>, Outcome);

async fn watch(toml: &str, app: Router) -> Watched {
    let (detective, sinks) = testing::start(toml).await.unwrap();
    let app = detective.watch(app);
    Watched {
        detective,
        sinks,
        app,
    }
}

fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .body(Body::empty())
        .unwrap()
}

impl Watched {
    /// Sends a request, and leaves the response's body unread.
    async fn call(&self, request: Request<Body>) -> Response {
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request and reads the whole response.
    async fn send(&self, request: Request<Body>) -> (StatusCode, Bytes) {
        let response = self.call(request).await;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        (status, body.unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, Bytes) {
        self.send(request("GET", path)).await
    }

    /// The only row.
    async fn row(&self) -> ApiMetric {
        let mut rows = self.sinks.rows().await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }

    /// Asserts that the requests so far wrote these rows, and that the metrics agree: as many
    /// counted requests, nothing in flight, and nothing dropped.
    #[track_caller]
    fn assert_left(&self, rows: &[ApiMetric], expected: &[(&str, &str, Option<u16>, Outcome)]) {
        let left: Vec<Left> = rows
            .iter()
            .map(|row| {
                let (endpoint, method) = (row.endpoint.clone(), row.method.clone());
                (endpoint, method, row.status_code, row.outcome)
            })
            .collect();
        let expected: Vec<Left> = expected
            .iter()
            .map(|(endpoint, method, status, outcome)| {
                ((*endpoint).into(), (*method).into(), *status, *outcome)
            })
            .collect();
        assert_eq!(left, expected);
        assert_eq!(self.total("http_requests_total"), left.len() as f64);
        assert_eq!(self.total("http_requests_in_flight"), 0.0);
        assert_eq!(self.total("detective_dropped_total"), 0.0);
    }

    async fn check(&self, expected: &[(&str, &str, Option<u16>, Outcome)]) {
        let rows = self.sinks.rows().await;
        self.assert_left(&rows, expected);
    }

    /// The sum of all samples of a name.
    fn total(&self, name: &str) -> f64 {
        let metrics = self.sinks.metrics();
        metrics
            .lines()
            .filter_map(|line| line.strip_prefix(name))
            .filter(|rest| rest.starts_with(['{', ' ']))
            .map(|rest| rest.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
            .sum()
    }
}
