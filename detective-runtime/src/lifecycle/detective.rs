//! The running system: started by one call, owned by one value, flushed and closed by another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::analytics::Admin;
use crate::cache::Cache;
use crate::config::{Config, ConfigError};
use crate::error::{ServeError, ShutdownError, StartError};
use crate::http::DetectiveLayer;
use crate::lifecycle::{Builder, Handle, Listen, serve};
use crate::pipeline::Pipeline;
use crate::record::Instance;
use crate::reload::Reloader;
use crate::survey::Survey;
use crate::trace;

/// The running system.
///
/// Several can run in one process: each has its own config, metrics, store and exporter. Dropping it
/// waits a moment for what was recorded to be written; only [`shutdown`](Self::shutdown) and
/// [`serve`](Self::serve) report what was lost.
///
/// # Examples
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use detective::{Detective, investigate};
///
/// #[investigate]
/// async fn hello() -> &'static str {
///     "hello"
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let detective = Detective::start().await?;
///     let app = Router::new().route("/", get(hello));
///     detective.serve("127.0.0.1:8000", app).await?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "recording ends when this is dropped"]
pub struct Detective {
    instance: Arc<Instance>,
    cache: Cache,
    reloader: Arc<Reloader>,
    pipeline: Pipeline,
    admin: Admin,
    admin_server: Option<Server>,
    survey: Survey,
    /// Whether the application asked for the layer, or for [`watch`](Self::watch).
    is_layered: AtomicBool,
}

/// A server in a task of its own.
#[derive(Debug)]
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<Instant>,
    task: JoinHandle<()>,
}

/// The share of the shutdown's time that the connections may use; the rest is the pipeline's.
const CONNECTIONS_SHARE: f64 = 0.8;

impl Detective {
    /// Starts with the settings from `detective.toml` and the environment.
    ///
    /// # Errors
    ///
    /// When the config is wrong, the store cannot be opened, or `admin.listen` is in use. A Jaeger
    /// or Redis that is away is no error: it is used when it comes back.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Starts with settings made in code; they win over those from elsewhere.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn assemble(
        instance: Arc<Instance>,
        cache: Cache,
        reloader: Arc<Reloader>,
        pipeline: Pipeline,
        admin: Admin,
        survey: Survey,
    ) -> Result<Self, StartError> {
        let admin_server = match instance.snapshot().config.admin.listen {
            None => None,
            Some(address) => Some(serve_admin(address.into(), admin.routes(), &instance).await?),
        };
        instance.register();
        trace::note_panics();
        Ok(Self {
            instance,
            cache,
            reloader,
            pipeline,
            admin,
            admin_server,
            survey,
            is_layered: AtomicBool::new(false),
        })
    }

    /// The layer that records requests. Put it on the outermost router, and finish the router with
    /// `.with_state(..)` before it is served; [`watch`](Self::watch) does both.
    pub fn layer(&self) -> DetectiveLayer {
        self.is_layered.store(true, Relaxed);
        DetectiveLayer::new(Arc::clone(&self.instance))
    }

    /// Whether [`layer`](Self::layer) or [`watch`](Self::watch) was called.
    pub(crate) fn is_layered(&self) -> bool {
        self.is_layered.load(Relaxed)
    }

    /// `/metrics` and `/analytics`, into which the application's router is to be merged
    /// (`detective.routes().merge(app)`; the other way round axum would answer unknown paths from
    /// here, where nothing records them). They answer loopback only, unless
    /// `analytics.token` is given, and they need the peer's address: serve the application with
    /// `into_make_service_with_connect_info::<SocketAddr>()`, or with [`serve`](Self::serve).
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.admin.routes().with_state(())
    }

    /// Puts `app` under observation: applies the layer, finishes the router, and merges
    /// [`routes`](Self::routes) unless `admin.listen` gives them a port of their own.
    ///
    /// # Panics
    ///
    /// As `Router::merge` does, when `app` has a route of its own at `/metrics` or `/analytics`.
    pub fn watch(&self, app: Router) -> Router {
        // axum builds the layers anew for each request on a router whose state is not settled.
        let app = app.layer(self.layer()).with_state(());
        if self.admin_server.is_some() {
            app
        } else {
            // In this order, since of two fallbacks that nobody set axum keeps the second: the one that
            // the layer is on.
            self.routes().merge(app).with_state(())
        }
    }

    /// The settings that hold now.
    pub fn config(&self) -> Config {
        self.instance.snapshot().config.clone()
    }

    /// Where `/metrics` and `/analytics` are served apart from the application: the address that
    /// `admin.listen` led to.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_server.as_ref().map(|server| server.address)
    }

    /// Compares `[routes]` with the routes of `app`, as [`serve`](Self::serve) does: for programs
    /// that serve by themselves. A rule that names no route, or that decides nothing, is a warning
    /// in the log.
    ///
    /// # Errors
    ///
    /// When there is such a rule and `service.strict` holds, as it does in the profile
    /// "production".
    pub fn check(&self, app: &Router) -> Result<(), ConfigError> {
        self.reloader.compare_with(app);
        self.survey.enforce(self.survey.routes(app))
    }

    /// What handlers need: a cheap clone for the application's state.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.instance), self.cache.clone())
    }

    /// Serves `app` under observation until ctrl-c or SIGTERM, then lets open requests finish, and
    /// shuts everything down, all within `pipeline.shutdown_timeout`. A second signal cuts off the
    /// requests that are still open.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, a rule does not fit the routes (see
    /// [`check`](Self::check)), or the shutdown lost something. Traces that did not reach Jaeger are
    /// logged and no error: a program does not fail because nobody watches it.
    pub async fn serve(self, listen: impl Into<Listen>, app: Router) -> Result<(), ServeError> {
        self.serve_with(listen, app, serve::stop_signal(), serve::stop_signal)
            .await
    }

    /// As [`serve`](Self::serve), until `stop` resolves.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    pub async fn serve_until(
        self,
        listen: impl Into<Listen>,
        app: Router,
        stop: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        self.serve_with(listen, app, stop, std::future::pending)
            .await
    }

    async fn serve_with<F: Future<Output = ()>>(
        self,
        listen: impl Into<Listen>,
        app: Router,
        stop: impl Future<Output = ()>,
        hurry: impl FnOnce() -> F,
    ) -> Result<(), ServeError> {
        if let Err(error) = self.check(&app) {
            // Nothing was recorded yet that could be lost.
            let _nothing_lost = self.shutdown().await;
            return Err(error.into());
        }
        let listener = listen.into().bind().await?;
        let app = self.watch(app);
        let instance = Arc::clone(&self.instance);
        let mut deadline = None;
        let stop = async {
            stop.await;
            let begin = Instant::now();
            deadline = Some(begin + instance.shutdown_timeout());
            begin + instance.shutdown_timeout().mul_f64(CONNECTIONS_SHARE)
        };
        serve::serve(listener, app, Arc::clone(&instance), stop, async {
            hurry().await
        })
        .await;
        let deadline = deadline.unwrap_or_else(|| Instant::now() + instance.shutdown_timeout());
        match self.shutdown_by(deadline).await {
            Err(error) if error.is_only_traces() => {
                tracing::warn!("{error}");
                Ok(())
            }
            result => Ok(result?),
        }
    }

    /// Reads the configuration again now, as is done by itself when the file has changed (it is
    /// looked at once a second) and, on Unix, on SIGHUP, unless the program is attached to a terminal.
    /// What holds is in force for the next request, all of it at once; keys that need a restart keep
    /// their values until then, which is logged and shown on `/analytics/health`.
    ///
    /// # Errors
    ///
    /// When anything in the configuration is wrong; then nothing of it is taken up.
    pub async fn reload(&self) -> Result<(), ConfigError> {
        self.reloader.reload().await
    }

    /// Waits until everything that was recorded so far is written and exported. A collector that
    /// asks to be left alone for a while is waited for, too.
    pub async fn flush(&self) {
        self.pipeline.flush().await;
    }

    /// Flushes and closes everything in the order of the data flow, within
    /// `pipeline.shutdown_timeout`.
    ///
    /// # Errors
    ///
    /// What could not be flushed or closed; everything else was.
    pub async fn shutdown(self) -> Result<(), ShutdownError> {
        let deadline = Instant::now() + self.instance.shutdown_timeout();
        self.shutdown_by(deadline).await
    }

    async fn shutdown_by(mut self, deadline: Instant) -> Result<(), ShutdownError> {
        self.instance.unregister();
        if let Some(server) = self.admin_server.take() {
            let _ended = server.stop.send(Instant::now());
            let _panicked = server.task.await;
        }
        let result = self.pipeline.close(deadline).await;
        self.admin.close().await;
        result
    }
}

impl Drop for Detective {
    fn drop(&mut self) {
        self.instance.unregister();
    }
}

async fn serve_admin(
    listen: Listen,
    routes: Router,
    instance: &Arc<Instance>,
) -> Result<Server, StartError> {
    let listener: TcpListener = listen
        .bind()
        .await
        .map_err(|error| StartError::Admin(error.to_string()))?;
    let address = listener
        .local_addr()
        .map_err(|error| StartError::Admin(error.to_string()))?;
    let (stop, stopped) = oneshot::channel();
    // Dropped without a word, it stops at once.
    let until = async move { stopped.await.unwrap_or_else(|_| Instant::now()) };
    let task = tokio::spawn(serve::serve(
        listener,
        routes,
        Arc::clone(instance),
        until,
        std::future::pending(),
    ));
    Ok(Server {
        address,
        stop,
        task,
    })
}
