//! The server's accept loop: graceful, and with a deadline.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower_service::Service;

use crate::error::ServeError;
use crate::record::Instance;

/// How long a client may take to send the head of a request.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may hold a connection before its first request.
const FIRST_REQUEST_TIMEOUT: Duration = HEADER_READ_TIMEOUT;

/// How long to wait before the next accept when the system has no resources for a connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Where to serve: an address to listen on, or a listener that is already bound.
#[derive(Debug)]
pub struct Listen(ListenOn);

#[derive(Debug)]
enum ListenOn {
    Address(String),
    Listener(TcpListener),
}

impl From<&str> for Listen {
    fn from(address: &str) -> Self {
        Self(ListenOn::Address(address.to_owned()))
    }
}

impl From<String> for Listen {
    fn from(address: String) -> Self {
        Self(ListenOn::Address(address))
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self(ListenOn::Address(address.to_string()))
    }
}

impl From<TcpListener> for Listen {
    fn from(listener: TcpListener) -> Self {
        Self(ListenOn::Listener(listener))
    }
}

impl Listen {
    pub(crate) async fn bind(self) -> Result<TcpListener, ServeError> {
        match self.0 {
            ListenOn::Listener(listener) => Ok(listener),
            ListenOn::Address(address) => match TcpListener::bind(&address).await {
                Ok(listener) => Ok(listener),
                Err(error) => Err(ServeError::Bind { address, error }),
            },
        }
    }
}

/// Serves `app` on `listener` until `stop` resolves. Then it lets open connections finish their
/// requests until the deadline that `stop` gives, or until `hurry` resolves. It closes the rest.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    instance: Arc<Instance>,
    stop: impl Future<Output = Instant>,
    hurry: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let streams = Streams::default();
    let mut stop = std::pin::pin!(stop);
    let deadline = loop {
        tokio::select! {
            biased;
            deadline = &mut stop => break deadline,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, app.clone(), &graceful, &streams));
                }
                // That client has disconnected. The other clients need not wait.
                Err(error) if is_client_error(&error) => {}
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
        }
    };
    drop(listener);
    tokio::select! {
        biased;
        () = graceful.shutdown() => {}
        // From here on, it is not the client that ends a request early.
        () = tokio::time::sleep_until(deadline) => instance.cut_off(),
        () = hurry => instance.cut_off(),
    }
    connections.shutdown().await;
    streams.shutdown().await;
}

/// Whether the error concerns one connection only. `axum::serve` makes the same distinction.
fn is_client_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// The requests of HTTP/2 connections. hyper runs each as its own task. This owns the tasks, so
/// that their records have ended when serving has ended.
#[derive(Debug, Default, Clone)]
struct Streams(Arc<Mutex<JoinSet<()>>>);

impl Streams {
    async fn shutdown(self) {
        let mut tasks = std::mem::take(&mut *self.lock());
        tasks.shutdown().await;
    }

    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut tasks = self.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            stream.await;
        });
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    graceful: &GracefulShutdown,
    streams: &Streams,
) -> impl Future<Output = ()> + use<> {
    // Without this, small responses would wait for the client's acknowledgement. A socket that
    // refuses the option still works.
    let _unsupported = stream.set_nodelay(true);
    let has_asked = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&has_asked);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        asks.store(true, Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut app = app.clone();
        async move {
            Ok::<_, Infallible>(
                app.call(request)
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let mut builder = auto::Builder::new(streams.clone());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT);
    let connection = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .into_owned();
    let connection = graceful.watch(connection);
    async move {
        // An error here is the client's. The records of the requests say how the connection ended.
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            biased;
            _client_error = &mut connection => return,
            () = tokio::time::sleep(FIRST_REQUEST_TIMEOUT) => {}
        }
        if has_asked.load(Relaxed) {
            let _client_error = connection.await;
        }
    }
}

/// Resolves on ctrl-c and, on Unix, on SIGTERM.
pub(crate) async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
