//! Who takes part: the same application, instrumented in as many ways.

mod detective;
mod floor;
#[cfg(feature = "peers")]
mod peers;
#[cfg(not(feature = "peers"))]
#[path = "peers/disabled.rs"]
mod peers;

use std::fmt;

use axum::Router;
use futures_util::future::BoxFuture;
use http::Uri;

use crate::app::Scenario;
use crate::collector::Collector;

use self::detective::Parts;

/// An instrumented application.
pub(crate) struct Contestant {
    /// The finished router.
    pub(crate) app: Router,
    /// What it is asked for, in turn.
    pub(crate) uris: Vec<Uri>,
    /// Requests between two pauses, in which the background catches up, so that no queue overflows.
    pub(crate) round: usize,
    pub(crate) settle: Settle,
    /// Where its spans go; `None` when its exporter drops them, or when it has none.
    pub(crate) collector: Option<Collector>,
}

pub(crate) type Settle = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

impl Contestant {
    /// One that does nothing in the background.
    fn new(app: Router) -> Self {
        Self::with_background(app, || async {})
    }

    /// One whose background has done its work when `settle` is done.
    fn with_background<F>(app: Router, settle: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let scenario = Scenario::Toys;
        Self {
            app: app.with_state(()),
            uris: scenario.uris(),
            round: scenario.round(),
            settle: Box::new(move || Box::pin(settle())),
            collector: None,
        }
    }

    /// Waits until what was recorded so far has been written or exported.
    pub(crate) async fn settle(&self) {
        (self.settle)().await;
    }
}

impl fmt::Debug for Contestant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Contestant")
            .field("uris", &self.uris)
            .finish_non_exhaustive()
    }
}

/// The name on the command line, and what stands in the table.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("bare", "nothing"),
    ("pass-through", "pass-through layer (the floor)"),
    ("tower-http", "tower-http `TraceLayer`, written to nowhere"),
    ("axum-prometheus", "axum-prometheus"),
    ("autometrics", "autometrics"),
    ("axum-otel-metrics", "axum-otel-metrics"),
    (
        "axum-tracing-opentelemetry",
        "axum-tracing-opentelemetry, batch exporter",
    ),
    (
        "tracing-instrument",
        "the same with `#[tracing::instrument]`",
    ),
    ("fastrace", "fastrace with `#[trace]`"),
    ("opentelemetry", "OpenTelemetry SDK by hand, one span"),
    ("prometheus", "prometheus by hand"),
    ("full-stack", "full stack of the usual libraries"),
    ("detective-off", "Detective, all switched off"),
    ("detective-metrics", "Detective, metrics only"),
    ("detective-traces", "Detective, traces only"),
    ("detective-rows", "Detective, rows only"),
    ("detective-no-rows", "Detective, traces and metrics"),
    ("detective", "**Detective, everything**"),
];

/// Those that export spans, and so can send them to a collector.
const EXPORTING: &[&str] = &[
    "axum-tracing-opentelemetry",
    "tracing-instrument",
    "fastrace",
    "opentelemetry",
    "full-stack",
    "detective-traces",
    "detective-no-rows",
    "detective",
];

/// What is added to the name of a contestant that sends its spans by OTLP over HTTP.
const OTLP: &str = "+otlp";

/// The name under which a contestant sends its spans to a collector; `None` when it exports none.
pub(crate) fn exporting(name: &str) -> Option<String> {
    EXPORTING.contains(&name).then(|| format!("{name}{OTLP}"))
}

/// Builds the contestant with the given name; see [`split`]. At most one of each can live in one process, besides `bare`.
pub(crate) async fn build(name: &str) -> Contestant {
    let (name, scenario) = split(name);
    let (name, collector) = match name.strip_suffix(OTLP) {
        Some(name) if EXPORTING.contains(&name) => (name, Some(Collector::start())),
        Some(name) => panic!("`{name}` exports no spans; expected one of {EXPORTING:?}"),
        None => (name, None),
    };
    let endpoint = collector.as_ref().map(Collector::endpoint);
    let endpoint = endpoint.as_deref();
    let mut contestant = match name {
        "bare" => floor::bare(scenario),
        "pass-through" => floor::pass_through(scenario),
        _ => match detective_parts(name) {
            Some(parts) => detective::build(parts, scenario, endpoint).await,
            None => peers::build(name, scenario, endpoint)
                .await
                .unwrap_or_else(|| unknown(name, scenario)),
        },
    };
    contestant.uris = scenario.uris();
    contestant.round = scenario.round();
    contestant.collector = collector;
    contestant
}

/// Takes apart `name`, `name+otlp`, `name/scenario` or `name+otlp/scenario`; the scenario is [`Scenario::Toys`] when
/// none is named.
pub(crate) fn split(name: &str) -> (&str, Scenario) {
    match name.split_once('/') {
        Some((name, scenario)) => (name, Scenario::named(scenario)),
        None => (name, Scenario::Toys),
    }
}

fn detective_parts(name: &str) -> Option<Parts> {
    Some(match name {
        "detective-off" => Parts::NONE,
        "detective-metrics" => Parts::METRICS,
        "detective-traces" => Parts::TRACES,
        "detective-rows" => Parts::ROWS,
        "detective-no-rows" => Parts::NO_ROWS,
        "detective" => Parts::ALL,
        _ => return None,
    })
}

fn unknown(name: &str, scenario: Scenario) -> ! {
    let names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
    panic!(
        "`{name}` has no part in {scenario:?}; expected one of {names:?}, and the feature `peers` for most of them"
    )
}
