//! The parts of a running system, in the order in which a start builds them.

use std::path::Path;
use std::sync::{Arc, Weak};

use crate::analytics::Admin;
use crate::attribute::callsite;
use crate::cache::Cache;
use crate::config::{Config, Loaded, Loader, Service};
use crate::error::StartError;
use crate::export::{ExportQueue, Exporter, resource};
use crate::lifecycle::Detective;
use crate::metrics::{QueueFill, Stats};
use crate::pipeline::{Kept, Pipeline, RowRecords, RowSink, Sinks};
use crate::record::Instance;
use crate::reload::Reloader;
use crate::store::{Identity, Reader, Store, WriteQueue, Writer};
use crate::survey::Survey;

/// The parts that exist before anything runs.
pub(crate) struct Parts {
    pub(crate) instance: Arc<Instance>,
    pub(crate) reloader: Arc<Reloader>,
    cache: Cache,
    survey: Survey,
}

impl Parts {
    /// Builds the parts from `loaded`. `loader` loads the config again when it changes.
    ///
    /// # Errors
    ///
    /// When `cache.url` cannot be used.
    pub(crate) fn new(
        loader: Loader,
        mut loaded: Loaded,
        survey: Survey,
    ) -> Result<Self, StartError> {
        identify(&mut loaded.config.service);
        let stats = Arc::new(Stats::default());
        let cache = Cache::new(&loaded.config.cache, Arc::clone(&stats))?;
        let instance = Arc::new(Instance::new(&loaded, stats));
        let watched: Weak<Instance> = Arc::downgrade(&instance);
        instance.metrics.watch_queue("records", move || {
            let fill = watched.upgrade().map(|instance| QueueFill {
                depth: instance.records.depth() as u64,
                capacity: instance.records.capacity() as u64,
            });
            fill.unwrap_or_default()
        });
        let reloader = Arc::new(Reloader::new(loader, loaded, Arc::clone(&instance)));
        Ok(Self {
            instance,
            reloader,
            cache,
            survey,
        })
    }

    /// Builds the value that owns the running system from the parts.
    ///
    /// # Errors
    ///
    /// When the server cannot listen on `admin.listen`.
    pub(crate) async fn finish(
        self,
        pipeline: Pipeline,
        reader: Option<Reader>,
    ) -> Result<Detective, StartError> {
        let admin = Admin::new(
            Arc::clone(&self.instance),
            Arc::clone(&self.reloader),
            self.cache.clone(),
            reader,
            pipeline.flusher(),
        );
        Detective::assemble(
            self.instance,
            self.cache,
            self.reloader,
            pipeline,
            admin,
            self.survey,
        )
        .await
    }
}

/// Opens the sinks that the config asks for. Call it on the pipeline's thread: they belong to its
/// runtime.
///
/// # Errors
///
/// When the exporter cannot be built.
pub(crate) fn open_sinks(
    instance: &Arc<Instance>,
    writer: Option<Writer>,
) -> Result<Sinks, StartError> {
    let config = &instance.snapshot().config;
    let stats = &instance.stats;
    let exporter = Exporter::build(&config.jaeger, resource(&config.service), stats)?;
    let export = ExportQueue::start(
        exporter,
        &config.jaeger,
        Arc::clone(stats),
        recycle(instance),
    );
    instance.metrics.watch_queue("spans", export.fill());
    let rows = writer.map_or(RowSink::Off, |writer| {
        let capacity = config.store.queue_rows;
        let queue = WriteQueue::start(writer, capacity, Arc::clone(stats), RowRecords::recycle);
        instance.metrics.watch_queue("rows", queue.fill());
        RowSink::Store(queue)
    });
    Ok(Sinks { export, rows })
}

/// Returns records to the pool, for reuse.
pub(crate) fn recycle(instance: &Arc<Instance>) -> impl FnMut(Kept) + Send + use<> {
    let instance = Arc::clone(instance);
    move |kept| kept.recycle(&instance)
}

/// Fills in the parts of the program's identity that the config leaves open.
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
