//! fastrace: its layer, and `#[trace]` on the handlers, reported through OpenTelemetry's span data and exporter.

use std::borrow::Cow;

use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use fastrace::collector::Config;
use fastrace_axum::FastraceLayer;
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;

use super::opentelemetry::Exporter;
use crate::app::{Scenario, Toy, chunks, toy};
use crate::contestants::Contestant;

#[fastrace::trace]
async fn get_toy(Path(id): Path<u64>) -> Json<Toy> {
    toy(id)
}

#[fastrace::trace]
async fn get_nested(Path(depth): Path<usize>) -> String {
    nested(depth).to_string()
}

#[fastrace::trace]
fn nested(depth: usize) -> usize {
    if depth == 0 { 0 } else { nested(depth - 1) + 1 }
}

#[fastrace::trace]
async fn get_chunks() -> impl IntoResponse {
    chunks()
}

pub(super) fn build(scenario: Scenario, endpoint: Option<&str>) -> Contestant {
    let reporter = OpenTelemetryReporter::new(
        Exporter::new(endpoint),
        Cow::Owned(Resource::builder().with_service_name("toys").build()),
        InstrumentationScope::builder("toys").build(),
    );
    fastrace::set_reporter(reporter, Config::default());
    let app = crate::routes!(scenario, get_toy, get_nested, get_chunks);
    Contestant::with_background(app.layer(FastraceLayer::default()), || async {
        fastrace::flush()
    })
}
