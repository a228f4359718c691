//! Settings from the program, and the start.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Loader;
use crate::error::StartError;
use crate::lifecycle::Detective;
use crate::lifecycle::parts::{Parts, open_sinks, open_store};
use crate::pipeline::Pipeline;
use crate::survey::Survey;

/// Settings from the program, which win over all other sources; see [`Detective::builder`].
///
/// # Examples
///
/// ```no_run
/// # async fn start() -> Result<(), detective::StartError> {
/// let detective = detective::Detective::builder()
///     .set("service.name", "store")
///     .set("tracing.sample", 0.1)
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    pub(crate) loader: Loader,
}

impl Builder {
    /// Reads only `toml`, neither the environment nor a file.
    pub(crate) fn isolated(toml: &str) -> Self {
        Self {
            loader: Loader::isolated(toml),
        }
    }

    /// Sets a key. It wins over the file and the environment. Write the value as in an environment
    /// variable: `0.5`, `250ms`, `GET,POST`.
    pub fn set(mut self, key: impl Into<String>, value: impl Display) -> Self {
        self.loader = self.loader.set(key, value);
        self
    }

    /// Reads this config file, which must exist, instead of looking for `detective.toml`.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.loader = self.loader.file(path);
        self
    }

    /// Sets the profile. It wins over `DETECTIVE_PROFILE`.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.loader = self.loader.profile(name);
        self
    }

    /// Starts everything.
    ///
    /// # Errors
    ///
    /// As [`Detective::start`].
    pub async fn start(self) -> Result<Detective, StartError> {
        let loaded = self.loader.load()?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let survey = Survey::new(&loaded);
        survey.enforce(survey.functions())?;
        let directory = loaded.origin.directory.clone();
        let parts = Parts::new(self.loader, loaded, survey)?;
        let snapshot = parts.instance.snapshot_in_force();
        let store = open_store(&snapshot.config, &directory).await?;
        let (writer, reader) = store.map(|store| (store.writer, store.reader)).unzip();
        let beside = Arc::clone(&parts.reloader).watch();
        let instance = Arc::clone(&parts.instance);
        let open = move || open_sinks(&instance, writer);
        let pipeline = Pipeline::start(Arc::clone(&parts.instance), beside, open).await?;
        parts.finish(pipeline, reader).await
    }
}
