//! Tests requests that arrive over a real connection.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use detective::testing::{self, ApiMetric, Outcome, Sinks};
use detective::{Detective, ServeError};
use futures_util::stream;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server in this process.
struct Served {
    sinks: Sinks,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServeError>>,
}

async fn serve(toml: &str, app: Router) -> Served {
    let (detective, sinks) = testing::start(toml).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(Detective::serve_until(detective, listener, app, async {
        stopped.await.unwrap();
    }));
    Served {
        sinks,
        address,
        stop,
        server,
    }
}

impl Served {
    async fn stop(self) -> Vec<ApiMetric> {
        self.stop.send(()).unwrap();
        self.server.await.unwrap().unwrap();
        self.sinks.rows().await
    }

    /// Sends an HTTP/1 request on a new connection, and reads until the server closes it.
    async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn outcomes(rows: &[ApiMetric]) -> Vec<(Option<u16>, Outcome, u64)> {
    let outcome = |row: &ApiMetric| (row.status_code, row.outcome, row.response_bytes);
    rows.iter().map(outcome).collect()
}

fn in_flight(sinks: &Sinks) -> f64 {
    let metrics = sinks.metrics();
    let samples = metrics
        .lines()
        .filter(|line| line.starts_with("http_requests_in_flight"));
    samples
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum()
}

async fn announced_stream() -> Response {
    let parts = ["hello ", "world"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
    Response::builder()
        .header("content-length", 11)
        .body(Body::from_stream(stream::iter(parts)))
        .unwrap()
}

#[tokio::test]
async fn stream_of_announced_length_is_complete_with_its_last_byte() {
    let served = serve("", Router::new().route("/", get(announced_stream))).await;
    assert!(served.get("/").await.ends_with("hello world"));
    let rows = served.stop().await;
    assert_eq!(outcomes(&rows), [(Some(200), Outcome::Ok, 11)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_http2_end_with_the_shutdown() {
    let app = Router::new().route("/", get(std::future::pending::<StatusCode>));
    let served = serve("pipeline.shutdown_timeout = \"200ms\"", app).await;
    let stream = TcpStream::connect(served.address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    for _ in 0..10 {
        let request = Request::get(format!("http://{}/", served.address));
        tokio::spawn(client.send_request(request.body(Body::empty()).unwrap()));
    }
    while in_flight(&served.sinks) < 10.0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rows = served.stop().await;
    assert_eq!(outcomes(&rows), [(None, Outcome::Shutdown, 0); 10]);
}

#[tokio::test(start_paused = true)]
async fn connection_that_asks_nothing_is_closed() {
    let served = serve("", Router::new()).await;
    for begin in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(begin).await.unwrap();
        let mut answer = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer));
        let _reset = end.await.expect("the server closes it");
    }
}
