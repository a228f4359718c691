//! What can go wrong at the boundaries: starting, serving and shutting down.

use std::fmt;

use crate::cache::CacheError;
use crate::config::ConfigError;
use crate::export::ExportError;
use crate::store::StoreError;

/// Why Detective could not start. `Debug` prints the same text as `Display`, because a `main` that
/// returns the error prints it with `Debug`.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The config is wrong. The text lists every mistake with its place.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store could not be opened. The text names it and says what to do.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cache's URL cannot be used. An unreachable Redis is not an error.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The exporter cannot be set up as configured. An unreachable Jaeger is not an error.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The server could not listen on the address `admin.listen`.
    #[error("`admin.listen`: {0}")]
    Admin(String),
    /// The pipeline's thread could not be started.
    #[error("cannot start the pipeline thread: {0}")]
    Thread(std::io::Error),
}

/// Why serving ended with an error.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be used: another program uses it, it is not an address of this machine, or
    /// it is not permitted.
    #[error("cannot listen on `{address}`: {error}; choose another address or stop what uses it")]
    Bind {
        /// The address as it was given.
        address: String,
        /// The system's reason.
        error: std::io::Error,
    },
    /// The config does not match the routes, and `service.strict` is on. The text lists every mistake
    /// with its place.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Everything was served, but the shutdown lost more than traces.
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

/// What the shutdown could not do. Everything else was flushed and closed.
#[derive(thiserror::Error, Clone, PartialEq, Eq)]
#[error("the shutdown was not complete: {}", joined(.failures))]
pub struct ShutdownError {
    failures: Vec<ShutdownFailure>,
}

/// One thing that the shutdown could not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownFailure {
    /// Rows were not written, or the store could not be closed.
    #[error(transparent)]
    Rows(StoreError),
    /// Spans did not reach Jaeger.
    #[error(transparent)]
    Traces(ExportError),
    /// The background thread had stopped. The records that it held are lost.
    #[error("the pipeline thread stopped too early; the rows and traces that it held are lost")]
    Pipeline,
}

impl ShutdownError {
    /// What the store and the exporter could not do; `None` if they did everything.
    pub(crate) fn of(rows: Option<StoreError>, traces: Option<ExportError>) -> Option<Self> {
        let rows = rows.into_iter().map(ShutdownFailure::Rows);
        let failures: Vec<_> = rows.chain(traces.map(ShutdownFailure::Traces)).collect();
        (!failures.is_empty()).then_some(Self { failures })
    }

    pub(crate) fn pipeline_gone() -> Self {
        Self {
            failures: vec![ShutdownFailure::Pipeline],
        }
    }

    /// Whether only traces were lost. An unreachable Jaeger is enough for that.
    pub fn is_only_traces(&self) -> bool {
        self.failures
            .iter()
            .all(|failure| matches!(failure, ShutdownFailure::Traces(_)))
    }

    /// Each failure, in the order of the data flow.
    pub fn failures(&self) -> &[ShutdownFailure] {
        &self.failures
    }
}

fn joined(failures: &[ShutdownFailure]) -> String {
    let texts: Vec<_> = failures.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// A `main` prints its error with `Debug`, so `Debug` is made readable.
macro_rules! debug_as_display {
    ($($error:ty),*) => {$(
        impl fmt::Debug for $error {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }
    )*};
}

debug_as_display!(StartError, ServeError, ShutdownError);

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::config::{Diagnostic, Place};

    /// `error` and everything that caused it, as reports print them.
    fn chain(error: &dyn Error) -> String {
        let causes = std::iter::successors(Some(error), |error| (*error).source());
        let texts: Vec<_> = causes.map(ToString::to_string).collect();
        texts.join(": ")
    }

    #[test]
    fn a_chain_of_causes_says_nothing_twice() {
        let lost = || StoreError::Unwritten { rows: 3 };
        let spans = ExportError::Unfinished { left: 2 };
        let shutdown = ShutdownError::of(Some(lost()), Some(spans)).expect("there are failures");
        assert_eq!(
            chain(&ServeError::from(shutdown)),
            "the shutdown was not complete: 3 rows were not written before the shutdown's \
             deadline; 2 spans still waited for Jaeger when the time to shut down was over"
        );
        assert_eq!(chain(&StartError::from(lost())), lost().to_string());
        let wrong = || ConfigError::new(vec![Diagnostic::new(Place::Default, "a mistake")]);
        assert_eq!(chain(&StartError::from(wrong())), wrong().to_string());
        assert_eq!(chain(&ServeError::from(wrong())), wrong().to_string());
    }

    #[test]
    fn what_the_shutdown_lost_can_be_told_apart() {
        let rows = || Some(StoreError::Unwritten { rows: 3 });
        let spans = || Some(ExportError::Unfinished { left: 2 });
        let check = |rows, spans, only_traces| {
            let error = ShutdownError::of(rows, spans).expect("there are failures");
            assert_eq!(error.is_only_traces(), only_traces);
        };
        check(rows(), spans(), false);
        check(rows(), None, false);
        check(None, spans(), true);
        assert_eq!(ShutdownError::of(None, None), None);
        let gone = ShutdownError::pipeline_gone();
        assert!(!gone.is_only_traces());
        assert_eq!(gone.failures(), [ShutdownFailure::Pipeline]);
    }
}
