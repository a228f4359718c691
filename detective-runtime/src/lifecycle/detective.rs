//! The running system. One call starts it, one value owns it, and one call flushes and closes it.

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
/// Several can run in one process. Each has its own config, metrics, store and exporter. Dropping
/// it waits at most two seconds until the records are written. Only [`shutdown`](Self::shutdown)
/// and [`serve`](Self::serve) report what was lost.
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

/// A server that runs in its own task.
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
    /// When the config is wrong, the store cannot be opened, or the server cannot listen on
    /// `admin.listen`. An unreachable Jaeger or Redis is not an error: Detective uses it as soon as it
    /// answers.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Starts with settings from the program. They win over all other sources.
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
        let listen = instance.snapshot().config.admin.listen;
        let admin_server = match listen {
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
    /// `.with_state(..)` before you serve it. [`watch`](Self::watch) does both.
    pub fn layer(&self) -> DetectiveLayer {
        self.is_layered.store(true, Relaxed);
        DetectiveLayer::new(Arc::clone(&self.instance))
    }

    /// Whether [`layer`](Self::layer) or [`watch`](Self::watch) was called.
    pub(crate) fn is_layered(&self) -> bool {
        self.is_layered.load(Relaxed)
    }

    /// The routes `/metrics` and `/analytics`. Merge the application's router into them:
    /// `detective.routes().merge(app)`. In the other order, the fallback of these routes would answer
    /// unknown paths, and those requests would not be recorded.
    ///
    /// Without `analytics.token`, the routes answer only this machine. They need the address of the
    /// client: serve the application with `into_make_service_with_connect_info::<SocketAddr>()`, or
    /// with [`serve`](Self::serve).
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.admin.routes().with_state(())
    }

    /// Adds Detective to `app`: applies the layer, finishes the router, and merges
    /// [`routes`](Self::routes), unless `admin.listen` gives them a separate port.
    ///
    /// # Panics
    ///
    /// As `Router::merge` does, when `app` has a route of its own at `/metrics` or `/analytics`.
    pub fn watch(&self, app: Router) -> Router {
        // On a router without settled state, axum builds the layers again for each request.
        let app = app.layer(self.layer()).with_state(());
        if self.admin_server.is_some() {
            app
        } else {
            // The order matters. If two routers have a default fallback, axum keeps the second one,
            // and that is the one that the layer covers.
            self.routes().merge(app).with_state(())
        }
    }

    /// The current settings.
    pub fn config(&self) -> Config {
        self.instance.snapshot().config.clone()
    }

    /// The separate address of `/metrics` and `/analytics`, if `admin.listen` is set.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_server.as_ref().map(|server| server.address)
    }

    /// Compares the rules in `[routes]` with the routes of `app`. [`serve`](Self::serve) does it by
    /// itself; programs that do not use `serve` call this. If a rule matches no route, or decides
    /// nothing, this logs a warning.
    ///
    /// # Errors
    ///
    /// When there is such a rule and `service.strict` is on. It is on by default in the profile
    /// "production".
    pub fn check(&self, app: &Router) -> Result<(), ConfigError> {
        self.reloader.compare_with(app);
        self.survey.enforce(self.survey.routes(app))
    }

    /// The handle for the application's state. It is cheap to clone.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.instance), self.cache.clone())
    }

    /// Serves `app` with Detective until ctrl-c or SIGTERM. Then it lets open requests finish and shuts
    /// everything down, within `pipeline.shutdown_timeout`. A second signal ends the open requests
    /// immediately.
    ///
    /// # Errors
    ///
    /// When the server cannot listen on the address, a rule does not match the routes (see
    /// [`check`](Self::check)), or the shutdown lost something. If only traces were lost, this logs it
    /// and returns `Ok`: a program must not fail because Jaeger is unreachable.
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
            // Nothing was recorded yet, so nothing can be lost.
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

    /// Loads the configuration again now. Detective also does this by itself: when the file has changed,
    /// which it checks once a second, and on Unix after a SIGHUP, unless the program runs in a terminal.
    ///
    /// The next request uses the new settings, all of them at once. Keys that need a restart keep their
    /// values until then. The log and `/analytics/health` say so.
    ///
    /// # Errors
    ///
    /// When anything in the configuration is wrong. Then nothing changes.
    pub async fn reload(&self) -> Result<(), ConfigError> {
        self.reloader.reload().await
    }

    /// Waits until everything that was recorded before this call is written and exported. This
    /// includes the time for which a collector asked the exporter to wait.
    pub async fn flush(&self) {
        self.pipeline.flush().await;
    }

    /// Flushes and closes everything, in the order of the data flow and within
    /// `pipeline.shutdown_timeout`.
    ///
    /// # Errors
    ///
    /// What could not be flushed or closed. Everything else was flushed and closed.
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
    // If the sender is dropped, the server stops at once.
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
