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

/// How long to wait after the system had no resources for another connection.
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

/// Serves `app` on `listener` until `stop` resolves; then lets the open connections finish what they
/// are at until the deadline that `stop` gives, or until `hurry` resolves, and cuts them off after
/// it.
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
                // Such a client has gone; the others need not wait.
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
        // What is dropped from here on was not left by its client.
        () = tokio::time::sleep_until(deadline) => instance.cut_off(),
        () = hurry => instance.cut_off(),
    }
    connections.shutdown().await;
    streams.shutdown().await;
}

/// As `axum::serve` tells the errors of one connection from those of the whole system.
fn is_client_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// The requests of HTTP/2 connections, each of which hyper runs as a task of its own: owned, so that
/// their records have ended when serving has.
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
    // Small answers would wait for the client's acknowledgement otherwise; a socket that refuses the
    // option still works.
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
        // The client's part of the connection: how it ends is recorded with the requests.
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
