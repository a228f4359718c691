//! The other libraries, each as its own documentation sets it up.

mod by_hand;
mod fastrace;
mod full_stack;
mod metrics;
mod opentelemetry;
mod tower_http;

use super::Contestant;
use crate::app::Scenario;

/// The peer with this name; `None` when there is none, or when it has no part in the scenario. Its spans go to
/// `endpoint`, or are dropped when there is none.
pub(super) async fn build(
    name: &str,
    scenario: Scenario,
    endpoint: Option<&str>,
) -> Option<Contestant> {
    Some(match (name, scenario) {
        ("fastrace", _) => fastrace::build(scenario, endpoint),
        ("tower-http", Scenario::Toys) => tower_http::build(),
        ("axum-prometheus", Scenario::Toys) => metrics::axum_prometheus(),
        ("autometrics", Scenario::Toys) => metrics::autometrics(),
        ("axum-otel-metrics", Scenario::Toys) => metrics::axum_otel_metrics(),
        ("axum-tracing-opentelemetry", Scenario::Toys) => opentelemetry::axum_tracing(endpoint),
        ("tracing-instrument", Scenario::Toys) => {
            opentelemetry::axum_tracing_instrumented(endpoint)
        }
        ("opentelemetry", Scenario::Toys) => opentelemetry::sdk_by_hand(endpoint),
        ("prometheus", Scenario::Toys) => metrics::prometheus_by_hand(),
        ("full-stack", Scenario::Toys) => full_stack::build(endpoint).await,
        _ => return None,
    })
}
