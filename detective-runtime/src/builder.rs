//! From settings to a running system.

use std::borrow::Cow;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::admin::Admin;
use crate::cache::Cache;
use crate::callsite;
use crate::command::{self, IntoApp};
use crate::config::{Config, Loaded, Loader, Service};
use crate::detective::Detective;
use crate::error::StartError;
use crate::export::{ExportQueue, Exporter, MemoryExporter, Resource};
use crate::instance::Instance;
use crate::metrics::{QueueFill, Stats};
use crate::pipeline::{Kept, Pipeline, RowRecords, RowSink, Sinks};
use crate::reload::Reloader;
use crate::store::{Identity, Reader, Store, WriteQueue};
use crate::survey::Survey;
use crate::testing;
use crate::value::Value;

/// Settings made in code, which win over those from elsewhere; see [`Detective::builder`].
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
    loader: Loader,
}

impl Builder {
    /// Sees nothing but `toml`: neither the environment nor a file.
    pub(crate) fn isolated(toml: &str) -> Self {
        Self {
            loader: Loader::isolated(toml),
        }
    }

    /// Sets a key, whatever file and environment say. The value is written as in an environment
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

    /// Lets this profile hold, whatever `DETECTIVE_PROFILE` says.
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
        let mut loaded = self.loader.load()?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let survey = Survey::new(&loaded);
        survey.enforce(survey.functions())?;
        identify(&mut loaded.config.service);
        let config = &loaded.config;
        let stats = Arc::new(Stats::default());
        let store = open_store(config, &loaded.origin.directory).await?;
        let (writer, reader) = store.map_or((None, None), |store| {
            (Some(store.writer), Some(store.reader))
        });
        let resource = resource(config);
        let instance = new_instance(&loaded, &stats)?;
        let reloader = Arc::new(Reloader::new(self.loader, loaded, Arc::clone(&instance)));
        let beside = Arc::clone(&reloader).watch();
        let pipeline = Pipeline::start(Arc::clone(&instance), beside, {
            let instance = Arc::clone(&instance);
            move || async move {
                let snapshot = instance.snapshot();
                let config = &snapshot.config;
                let exporter = Exporter::build(&config.jaeger, resource, &stats)?;
                let recycle = recycle(&instance);
                let export =
                    ExportQueue::start(exporter, &config.jaeger, Arc::clone(&stats), recycle);
                instance.metrics.watch_queue("spans", export.fill());
                let rows = writer.map_or(RowSink::Off, |writer| {
                    let queue = WriteQueue::start(
                        writer,
                        config.store.queue_rows,
                        stats,
                        RowRecords::recycle,
                    );
                    instance.metrics.watch_queue("rows", queue.fill());
                    RowSink::Store(queue)
                });
                Ok(Sinks { export, rows })
            }
        })
        .await?;
        finish(instance, reloader, pipeline, reader, survey).await
    }

    /// Runs the command that the arguments of this process ask for, as
    /// [`Detective::commands`] does, with these settings.
    pub async fn commands<A: IntoApp>(&self, app: impl AsyncFnOnce(&Detective) -> A) {
        command::run_and_exit(&self.loader, app).await;
    }

    pub(crate) async fn start_in_memory(self) -> Result<(Detective, testing::Sinks), StartError> {
        let loaded = self.loader.load()?;
        let survey = Survey::new(&loaded);
        survey.enforce(survey.functions())?;
        start_in_memory(self.loader, loaded, survey).await
    }
}

/// Starts for a command: to memory, without pages of its own, and keeping every trace and row.
pub(crate) async fn start_for_command(
    loader: &Loader,
    mut loaded: Loaded,
) -> Result<(Detective, testing::Sinks), StartError> {
    let survey = Survey::new(&loaded);
    loaded.config.admin.listen = None;
    loaded.config.store.enabled = true;
    // What is slow is kept.
    loaded.config.tracing.slow = Duration::ZERO;
    start_in_memory(loader.clone(), loaded, survey).await
}

async fn start_in_memory(
    loader: Loader,
    mut loaded: Loaded,
    survey: Survey,
) -> Result<(Detective, testing::Sinks), StartError> {
    identify(&mut loaded.config.service);
    let stats = Arc::new(Stats::default());
    let instance = new_instance(&loaded, &stats)?;
    let reloader = Arc::new(Reloader::new(loader, loaded, Arc::clone(&instance)));
    // A test says itself when the file is to be read again.
    let beside = {
        let reloader = Arc::clone(&reloader);
        async move { reloader.watch_boosts().await }
    };
    let exporter = MemoryExporter::default();
    let rows = Arc::default();
    let pipeline = Pipeline::start(Arc::clone(&instance), beside, {
        let (instance, exporter, rows) =
            (Arc::clone(&instance), exporter.clone(), Arc::clone(&rows));
        move || async move {
            let config = &instance.snapshot().config;
            let (exporter, recycle) = (Exporter::Memory(exporter), recycle(&instance));
            let export = ExportQueue::start(exporter, &config.jaeger, stats, recycle);
            let rows = match config.store.enabled {
                true => RowSink::Memory(rows),
                false => RowSink::Off,
            };
            Ok(Sinks { export, rows })
        }
    })
    .await?;
    let sinks = testing::Sinks {
        spans: exporter,
        rows,
        instance: Arc::clone(&instance),
        flusher: pipeline.flusher(),
    };
    let detective = finish(instance, reloader, pipeline, None, survey).await?;
    Ok((detective, sinks))
}

/// Gives records back to be filled again.
fn recycle(instance: &Arc<Instance>) -> impl FnMut(Kept) + Send + use<> {
    let instance = Arc::clone(instance);
    move |kept| kept.recycle(&instance)
}

fn new_instance(loaded: &Loaded, stats: &Arc<Stats>) -> Result<Arc<Instance>, StartError> {
    let cache = Cache::new(&loaded.config.cache, Arc::clone(stats))?;
    let instance = Arc::new(Instance::new(loaded, Arc::clone(stats), cache));
    let watched: Weak<Instance> = Arc::downgrade(&instance);
    instance.metrics.watch_queue("records", move || {
        let (depth, capacity) = watched
            .upgrade()
            .map_or((0, 0), |it| (it.hand_over.depth(), it.hand_over.capacity()));
        QueueFill {
            depth: depth as u64,
            capacity: capacity as u64,
        }
    });
    Ok(instance)
}

async fn finish(
    instance: Arc<Instance>,
    reloader: Arc<Reloader>,
    pipeline: Pipeline,
    reader: Option<Reader>,
    survey: Survey,
) -> Result<Detective, StartError> {
    let admin = Admin::new(
        Arc::clone(&instance),
        Arc::clone(&reloader),
        reader,
        pipeline.flusher(),
    );
    Detective::assemble(instance, reloader, pipeline, admin, survey).await
}

/// Fills in what the config leaves open of the program's identity.
pub(crate) fn identify(service: &mut Service) {
    let (package, version) = callsite::package().unzip();
    let executable = || {
        std::env::current_exe()
            .ok()?
            .file_stem()?
            .to_str()
            .map(str::to_owned)
    };
    if service.name.is_empty() {
        let name = package.map(str::to_owned).or_else(executable);
        service.name = name.unwrap_or_else(|| "unknown_service".to_owned());
    }
    if service.version.is_empty() {
        service.version = version.unwrap_or_default().to_owned();
    }
    if service.instance.is_empty() {
        let host = gethostname::gethostname();
        service.instance = format!("{}:{}", host.to_string_lossy(), std::process::id());
    }
}

pub(crate) async fn open_store(
    config: &Config,
    directory: &Path,
) -> Result<Option<Store>, StartError> {
    if !config.store.enabled {
        return Ok(None);
    }
    let url = config.store.resolved_url(directory);
    Ok(Some(
        Store::open(url.expose(), Identity::of(&config.service)).await?,
    ))
}

/// OpenTelemetry's attributes of the program itself.
/// <https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/resource/README.md>
pub(crate) fn resource(config: &Config) -> Resource {
    let Service {
        name,
        version,
        instance,
        attributes,
        ..
    } = &config.service;
    let own = [
        ("service.name", name.as_str()),
        ("service.version", version),
        ("service.instance.id", instance),
        ("telemetry.sdk.name", "detective"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    let own = own.into_iter().filter(|(_, value)| !value.is_empty());
    let own = own.map(|(key, value)| (Cow::Borrowed(key), Value::from(value.to_owned())));
    let further = attributes
        .iter()
        .map(|(key, value)| (Cow::Owned(key.clone()), Value::from(value.clone())));
    own.chain(further).collect()
}
