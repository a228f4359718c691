//! Who takes part: the same route, instrumented in as many ways.

mod detective;
mod floor;

use std::fmt;

use axum::Router;
use futures_util::future::BoxFuture;

/// An instrumented application.
pub(crate) struct Contestant {
    /// The finished router.
    pub(crate) app: Router,
    /// Waits until what was recorded so far has been written or exported.
    settle: Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

impl Contestant {
    fn new(app: Router) -> Self {
        Self::with_background(app, || async {})
    }

    fn with_background<F>(app: Router, settle: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            app: app.with_state(()),
            settle: Box::new(move || Box::pin(settle())),
        }
    }

    /// Waits until what was recorded so far has been written or exported.
    pub(crate) async fn settle(&self) {
        (self.settle)().await;
    }
}

impl fmt::Debug for Contestant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Contestant").finish_non_exhaustive()
    }
}

/// The name on the command line, and what stands in the table.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("bare", "nothing"),
    ("pass-through", "pass-through layer (the floor)"),
    ("detective-off", "Detective, all switched off"),
    ("detective-metrics", "Detective, metrics only"),
    ("detective-traces", "Detective, traces only"),
    ("detective-rows", "Detective, rows only"),
    ("detective-no-rows", "Detective, traces and metrics"),
    ("detective", "Detective, everything"),
];

/// Builds the contestant with the given name. At most one of each can live in one process, besides `bare`.
pub(crate) async fn build(name: &str) -> Contestant {
    match name {
        "bare" => floor::bare(),
        "pass-through" => floor::pass_through(),
        "detective-off" => detective::build(detective::Parts::NONE).await,
        "detective-metrics" => detective::build(detective::Parts::METRICS).await,
        "detective-traces" => detective::build(detective::Parts::TRACES).await,
        "detective-rows" => detective::build(detective::Parts::ROWS).await,
        "detective-no-rows" => detective::build(detective::Parts::NO_ROWS).await,
        "detective" => detective::build(detective::Parts::ALL).await,
        _ => panic!("`{name}` does not take part; expected one of {:?}", ALL.map_names()),
    }
}

trait Names {
    fn map_names(&self) -> Vec<&'static str>;
}

impl Names for &[(&'static str, &'static str)] {
    fn map_names(&self) -> Vec<&'static str> {
        self.iter().map(|(name, _)| *name).collect()
    }
}
