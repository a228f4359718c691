//! `/analytics/health`: how Detective itself is doing.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;

use crate::clock;
use crate::metrics::{DropReason, Part, QueueFill, Stats};
use crate::reload::ConfigHealth;
use crate::store::Identity;

/// How a part is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It talks to something outside, and can fail.
    On,
    /// It lives in memory.
    Memory,
    /// It is turned off.
    Off,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    /// `failing` when a part is.
    status: &'static str,
    store: PartHealth,
    cache: PartHealth,
    exporter: PartHealth,
    config: ConfigHealth,
    queue: Queues,
    dropped: BTreeMap<&'static str, u64>,
    records: u64,
    rows_written: u64,
    spans_exported: u64,
    versions: Versions,
}

#[derive(Debug, Serialize)]
struct PartHealth {
    state: &'static str,
    last_error: Option<String>,
    last_error_at: Option<String>,
    successes: u64,
    failures: u64,
}

#[derive(Debug, Serialize)]
struct Queues {
    /// Of the hand-over from requests to the pipeline, which is where a flood shows first.
    #[serde(flatten)]
    records: QueueFill,
    rows: QueueFill,
    spans: QueueFill,
}

#[derive(Debug, Serialize)]
struct Versions {
    detective: &'static str,
    service: String,
    version: String,
    instance: String,
}

/// What the running system knows of its parts and [`Stats`] does not.
#[derive(Debug, Clone)]
pub(crate) struct HealthSnapshot {
    pub(crate) store: Mode,
    pub(crate) cache: Mode,
    pub(crate) exporter: Mode,
    pub(crate) config: ConfigHealth,
    /// Finished records that wait for the pipeline (`pipeline.queue_records`).
    pub(crate) records: QueueFill,
    /// Rows that wait for the store (`store.queue_rows`).
    pub(crate) rows: QueueFill,
    /// Spans that wait for the exporter (`jaeger.queue_spans`).
    pub(crate) spans: QueueFill,
}

/// Puts the answer together.
pub(super) fn answer(snapshot: &HealthSnapshot, stats: &Stats, identity: &Identity) -> Health {
    let store = part(stats, Part::Store, snapshot.store);
    let cache = part(stats, Part::Cache, snapshot.cache);
    let exporter = part(stats, Part::Exporter, snapshot.exporter);
    let failing = [&store, &cache, &exporter]
        .iter()
        .any(|part| part.state == "failing")
        || snapshot.config.state == "failing";
    Health {
        status: if failing { "failing" } else { "ok" },
        store,
        cache,
        exporter,
        config: snapshot.config.clone(),
        queue: Queues {
            records: snapshot.records,
            rows: snapshot.rows,
            spans: snapshot.spans,
        },
        dropped: DropReason::ALL
            .map(|reason| (reason.as_str(), stats.dropped_count(reason)))
            .into(),
        records: stats.records.load(Relaxed),
        rows_written: stats.rows_written.load(Relaxed),
        spans_exported: stats.spans_exported.load(Relaxed),
        versions: Versions {
            detective: env!("CARGO_PKG_VERSION"),
            service: identity.service.clone(),
            version: identity.version.clone(),
            instance: identity.instance.clone(),
        },
    }
}

fn part(stats: &Stats, part: Part, mode: Mode) -> PartHealth {
    let trouble = stats.trouble(part);
    let (successes, failures) = stats.exchanges(part);
    let failing = trouble.last.is_some() && !trouble.recovered;
    let (last_error, last_error_at) = trouble.last.unzip();
    PartHealth {
        state: match mode {
            Mode::Off => "off",
            Mode::Memory => "memory",
            Mode::On if failing => "failing",
            Mode::On => "ok",
        },
        last_error,
        last_error_at: last_error_at.map(clock::text),
        successes,
        failures,
    }
}
