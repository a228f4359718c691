//! Detective, with what the config asks for.
//!
//! Without a collector `jaeger.protocol` is `"off"`, which takes away what an exporter does: kept traces are queued,
//! batched and dropped as the records that they were recorded in, as the peers' spans are, whose exporters get the SDK's
//! `SpanData` and drop it. The README says in what the two differ.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use detective::{Detective, investigate};
use tempfile::TempDir;

use super::Contestant;
use crate::app::{Scenario, Toy, chunks, toy};

/// What is switched on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    traces: bool,
    metrics: bool,
    rows: bool,
}

impl Parts {
    pub(super) const NONE: Self = Self::new(false, false, false);
    pub(super) const TRACES: Self = Self::new(true, false, false);
    pub(super) const METRICS: Self = Self::new(false, true, false);
    pub(super) const ROWS: Self = Self::new(false, false, true);
    pub(super) const NO_ROWS: Self = Self::new(true, true, false);
    pub(super) const ALL: Self = Self::new(true, true, true);

    const fn new(traces: bool, metrics: bool, rows: bool) -> Self {
        Self {
            traces,
            metrics,
            rows,
        }
    }
}

#[investigate]
async fn get_toy(Path(id): Path<u64>) -> Json<Toy> {
    toy(id)
}

#[investigate]
async fn get_nested(Path(depth): Path<usize>) -> String {
    nested(depth).to_string()
}

#[investigate]
fn nested(depth: usize) -> usize {
    if depth == 0 { 0 } else { nested(depth - 1) + 1 }
}

#[investigate]
async fn get_chunks() -> impl IntoResponse {
    chunks()
}

/// With its traces sent to `endpoint`, or dropped when there is none.
pub(super) async fn build(parts: Parts, scenario: Scenario, endpoint: Option<&str>) -> Contestant {
    let running = Arc::new(Running::start(parts, endpoint).await);
    let app = running
        .detective
        .watch(crate::routes!(scenario, get_toy, get_nested, get_chunks));
    Contestant::with_background(app, move || {
        let running = Arc::clone(&running);
        async move { running.detective.flush().await }
    })
}

/// The database lives as long as what writes to it.
struct Running {
    detective: Detective,
    _folder: TempDir,
}

impl Running {
    async fn start(parts: Parts, endpoint: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let config = folder.path().join("detective.toml");
        std::fs::write(&config, "").expect("the folder is writable");
        let detective = Detective::builder()
            .config_file(config)
            .set("service.name", "toys")
            .set("jaeger.protocol", endpoint.map_or("off", |_| "otlp-http"))
            .set("jaeger.endpoint", endpoint.unwrap_or_default())
            .set("tracing.enabled", parts.traces)
            .set("metrics.enabled", parts.metrics)
            .set("store.enabled", parts.rows)
            .set("store.url", "sqlite://detective.db")
            .start()
            .await
            .expect("the config is valid");
        Self {
            detective,
            _folder: folder,
        }
    }
}
