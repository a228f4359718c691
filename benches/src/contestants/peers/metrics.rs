//! Those that only count and time.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Path};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use axum_otel_metrics::HttpMetricsLayerBuilder;
use axum_prometheus::PrometheusMetricLayer;
use http::{Method, Request};
use opentelemetry_sdk_0_32::metrics::{ManualReader, SdkMeterProvider};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::by_hand::{ByHand, Hook};
use crate::app::{ROUTE, Toy, get_toy, toy};
use crate::contestants::Contestant;

pub(super) fn axum_prometheus() -> Contestant {
    let (layer, handle) = PrometheusMetricLayer::pair();
    // Its histograms keep every observation until somebody asks for them, which its users' scrapes or its task do.
    Contestant::with_background(
        Router::new().route(ROUTE, get(get_toy)).layer(layer),
        move || {
            let handle = handle.clone();
            async move { handle.run_upkeep() }
        },
    )
}

#[autometrics::autometrics]
async fn get_toy_with_autometrics(Path(id): Path<u64>) -> Json<Toy> {
    toy(id)
}

pub(super) fn autometrics() -> Contestant {
    autometrics::prometheus_exporter::init();
    Contestant::new(Router::new().route(ROUTE, get(get_toy_with_autometrics)))
}

pub(super) fn axum_otel_metrics() -> Contestant {
    let provider = SdkMeterProvider::builder()
        .with_reader(ManualReader::default())
        .build();
    let layer = HttpMetricsLayerBuilder::new()
        .with_provider(provider)
        .build();
    Contestant::new(Router::new().route(ROUTE, get(get_toy)).layer(layer))
}

pub(super) fn prometheus_by_hand() -> Contestant {
    let app = Router::new().route(ROUTE, get(get_toy));
    Contestant::new(app.layer(ByHand::new(Metrics::new())))
}

struct Metrics {
    requests: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGaugeVec,
}

impl Metrics {
    fn new() -> Self {
        let registry = Registry::new();
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("http_requests_total", "requests"),
                &["method", "endpoint", "status"],
            )
            .expect("the labels are valid"),
            durations: HistogramVec::new(
                HistogramOpts::new("http_request_duration_seconds", "durations"),
                &["method", "endpoint"],
            )
            .expect("the labels are valid"),
            in_flight: IntGaugeVec::new(
                Opts::new("http_requests_in_flight", "in flight"),
                &["method", "endpoint"],
            )
            .expect("the labels are valid"),
        };
        let registered = [
            registry.register(Box::new(metrics.requests.clone())),
            registry.register(Box::new(metrics.durations.clone())),
            registry.register(Box::new(metrics.in_flight.clone())),
        ];
        assert!(
            registered.iter().all(Result::is_ok),
            "the names are different"
        );
        metrics
    }
}

impl Hook for Metrics {
    type Open = (Instant, Method, Option<MatchedPath>);

    fn before(&self, request: &Request<Body>) -> Self::Open {
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().cloned();
        self.in_flight
            .with_label_values(&[method.as_str(), endpoint(&route)])
            .inc();
        (Instant::now(), method, route)
    }

    fn after(&self, (start, method, route): Self::Open, response: &Response) {
        let (method, endpoint) = (method.as_str(), endpoint(&route));
        self.requests
            .with_label_values(&[method, endpoint, response.status().as_str()])
            .inc();
        self.durations
            .with_label_values(&[method, endpoint])
            .observe(start.elapsed().as_secs_f64());
        self.in_flight.with_label_values(&[method, endpoint]).dec();
    }
}

fn endpoint(route: &Option<MatchedPath>) -> &str {
    route.as_ref().map_or("unmatched", MatchedPath::as_str)
}
