//! What can go wrong at the boundaries: starting, serving and shutting down.

use std::fmt;

use crate::config::ConfigError;

/// Why Detective could not start. Prints the same through `Debug`, since that is what a `main` that
/// returns it shows.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The config is wrong; the text lists every mistake with its place.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The store could not be opened; the text says which and what to do.
    #[error("{0}")]
    Store(#[from] crate::store::StoreError),
    /// The cache's URL cannot be used. A Redis that is merely away is no error.
    #[error("{0}")]
    Cache(#[from] crate::cache::CacheError),
    /// The exporter cannot be set up as configured. A Jaeger that is merely away is no error.
    #[error("{0}")]
    Export(#[from] crate::export::ExportError),
    /// `admin.listen` cannot be listened on.
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
    /// The address cannot be listened on: it is in use, not this machine's, or not permitted.
    #[error("cannot listen on `{address}`: {error}; choose another address or stop what uses it")]
    Bind {
        /// The address as it was given.
        address: String,
        /// The system's reason.
        error: std::io::Error,
    },
    /// The config does not fit the routes, and `service.strict` holds; the text lists every
    /// mistake with its place.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Everything was served, but the shutdown lost something else than traces.
    #[error("{0}")]
    Shutdown(#[from] ShutdownError),
}

/// What the shutdown could not do; everything else was flushed and closed.
#[derive(thiserror::Error, Clone, PartialEq, Eq)]
#[error("the shutdown was not complete: {}", .failures.join("; "))]
pub struct ShutdownError {
    failures: Vec<String>,
    only_traces: bool,
}

impl ShutdownError {
    /// What the store and the exporter could not do; `None` when that is nothing.
    pub(crate) fn of(rows: Option<String>, traces: Option<String>) -> Option<Self> {
        let only_traces = rows.is_none();
        let failures: Vec<_> = rows.into_iter().chain(traces).collect();
        (!failures.is_empty()).then_some(Self {
            failures,
            only_traces,
        })
    }

    pub(crate) fn pipeline_gone() -> Self {
        Self {
            failures: vec!["the pipeline thread has ended before its time".to_owned()],
            only_traces: false,
        }
    }

    /// Whether nothing but traces was lost, which a Jaeger that is away is enough for.
    pub(crate) fn is_only_traces(&self) -> bool {
        self.only_traces
    }

    /// Each failure, in the order of the data flow.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}

/// `main` prints its error by `Debug`, so that is made readable.
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
