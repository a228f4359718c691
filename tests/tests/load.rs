//! Thousands of requests over real connections, from clients of every kind, well-behaved or not.
//! Each request whose head arrived is counted exactly once.

use std::{
    convert::Infallible,
    future::IntoFuture,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Request},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
    routing::{get, post},
};
use detective::{Detective, InCurrentContext, investigate};
use detective_tests::{
    Database, Exposition, Folder,
    client::{Connection, Length, request},
    until,
};
use futures_util::{Stream, StreamExt, stream};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::oneshot,
    task::JoinSet,
    time::sleep,
};
use tower::util::MapRequestLayer;

const CONNECTIONS: u64 = 64;
const LARGE: usize = 1 << 20;

#[investigate]
async fn hello() -> &'static str {
    greet().await
}

#[investigate]
async fn greet() -> &'static str {
    tokio::task::yield_now().await;
    "hello"
}

#[investigate(fields(id))]
async fn user(Path(id): Path<u32>) -> Result<String, StatusCode> {
    if id % 10 == 9 {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    tokio::spawn(greet().in_current_context());
    Ok(format!("user {id}"))
}

#[investigate]
async fn panics() -> StatusCode {
    greet().await;
    panic!("on purpose")
}

#[investigate]
async fn waits() -> StatusCode {
    sleep(Duration::from_secs(60)).await;
    StatusCode::OK
}

#[investigate]
async fn upload(body: Bytes) -> String {
    body.len().to_string()
}

fn parts(count: usize) -> impl Stream<Item = Result<Bytes, io::Error>> + Send {
    stream::iter(0..count).then(async |_| {
        greet().await;
        Ok(Bytes::from_static(&[b'x'; 100]))
    })
}

#[investigate]
async fn streamed(Path(count): Path<usize>) -> Body {
    Body::from_stream(parts(count))
}

#[investigate]
async fn endless() -> Body {
    let slow = stream::repeat(()).then(async |()| {
        sleep(Duration::from_millis(2)).await;
        Ok::<_, io::Error>(Bytes::from_static(b"again"))
    });
    Body::from_stream(slow)
}

#[investigate]
async fn breaks_off() -> Body {
    let end = stream::iter([Err(io::Error::other("the tape has ended"))]);
    Body::from_stream(parts(3).chain(end))
}

#[investigate]
async fn large() -> Vec<u8> {
    vec![b'x'; LARGE]
}

#[investigate]
async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::repeat(()).then(async |()| {
        sleep(Duration::from_millis(1)).await;
        Ok(Event::default().data("tick"))
    }))
}

/// After the upgrade, sends one message back.
#[investigate]
async fn socket(headers: HeaderMap, mut request: Request) -> Response {
    assert_eq!(headers["upgrade"], "websocket");
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let (mut stream, mut message) = (TokioIo::new(upgraded), [0; 4]);
        if stream.read_exact(&mut message).await.is_ok() {
            let _client_gone = stream.write_all(&message).await;
        }
    });
    let headers = [("connection", "upgrade"), ("upgrade", "websocket")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// Counts the requests that arrive, without Detective.
#[derive(Debug, Default, Clone)]
struct Arrived {
    all: Arc<AtomicU64>,
    /// Of those, the requests that never end by themselves and have no latency.
    endless: Arc<AtomicU64>,
}

impl Arrived {
    fn count(&self, app: Router) -> Router {
        let Self { all, endless } = self.clone();
        app.layer(MapRequestLayer::new(move |request: Request| {
            match request.uri().path() {
                "/metrics" => return request,
                "/events" | "/socket" => endless.fetch_add(1, Relaxed),
                _ => 0,
            };
            all.fetch_add(1, Relaxed);
            request
        }))
    }
}

fn app() -> Router {
    Router::new()
        .route("/hello", get(hello))
        .route("/users/{id}", get(user))
        .route("/panics", get(panics))
        .route("/waits", get(waits))
        .route("/upload", post(upload))
        .nest("/streams", Router::new().route("/{count}", get(streamed)))
        .route("/endless", get(endless))
        .route("/breaks-off", get(breaks_off))
        .route("/large", get(large))
        .route("/events", get(events))
        .route("/socket", get(socket))
}

/// The clients' own counts: the requests sent in full, and those of them that were answered with at
/// least a head.
#[derive(Debug, Default)]
struct Sent {
    all: AtomicU64,
    answered: AtomicU64,
}

/// One client after another on one connection. If it was closed, a new one is opened.
struct Client<'a> {
    address: SocketAddr,
    connection: Option<Connection>,
    sent: &'a Sent,
}

impl Client<'_> {
    /// The open connection, or a new one.
    async fn connection(&mut self) -> io::Result<Connection> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(self.address).await,
        }
    }

    async fn send(&mut self, text: &str, requests: u64) -> io::Result<Connection> {
        let mut connection = self.connection().await?;
        connection.write(text).await?;
        self.sent.all.fetch_add(requests, Relaxed);
        Ok(connection)
    }

    async fn answered(&mut self, connection: &mut Connection, expected: u16) -> io::Result<Length> {
        let head = connection.head().await?;
        assert_eq!(head.status, expected);
        self.sent.answered.fetch_add(1, Relaxed);
        Ok(head.body)
    }

    /// Sends a request and reads the whole response. The connection is kept.
    async fn polite(&mut self, text: &str, status: u16) -> io::Result<Vec<u8>> {
        let mut connection = self.send(text, 1).await?;
        let length = self.answered(&mut connection, status).await?;
        let is_head = text.starts_with("HEAD");
        let body = connection
            .body(if is_head { Length::Known(0) } else { length })
            .await?;
        self.connection = Some(connection);
        Ok(body)
    }

    /// Sends a request and reads only the head of the response.
    async fn hasty(&mut self, path: &str) -> io::Result<Connection> {
        let mut connection = self.send(&request("GET", path, ""), 1).await?;
        self.answered(&mut connection, 200).await?;
        Ok(connection)
    }

    /// One visit; `turn` selects its kind.
    async fn visit(&mut self, turn: u64) -> io::Result<()> {
        let get = |path: &str| request("GET", path, "");
        match turn % 40 {
            0 => drop(self.polite(&get("/users/abc"), 400).await?),
            1 => drop(self.polite(&get(&format!("/nowhere/{turn}")), 404).await?),
            2 => drop(self.polite(&request("DELETE", "/hello", ""), 405).await?),
            3 => drop(self.polite(&request("HEAD", "/hello", ""), 200).await?),
            4 => {
                let text = request("POST", "/upload", "content-length: 5\r\n") + "12345";
                assert_eq!(self.polite(&text, 200).await?, b"5");
            }
            5 => {
                let head = request("POST", "/upload", "transfer-encoding: chunked\r\n");
                let text = head + "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
                assert_eq!(self.polite(&text, 200).await?, b"7");
            }
            6 | 7 => assert_eq!(self.polite(&get("/streams/5"), 200).await?.len(), 500),
            8 => {
                // A panic ends the connection without a response.
                let mut connection = self.send(&get("/panics"), 1).await?;
                assert!(connection.is_closed().await);
            }
            9 | 10 => {
                let pipelined = get("/hello") + &get("/streams/2") + &get("/users/7");
                let mut connection = self.send(&pipelined, 3).await?;
                for length in [5, 200, 6] {
                    let body = self.answered(&mut connection, 200).await?;
                    assert_eq!(connection.body(body).await?.len(), length);
                }
                self.connection = Some(connection);
            }
            // Disconnects before the head of the response: at once, possibly before any handler was
            // called, or while the handler runs.
            11 => {
                let connection = self.send(&get("/waits"), 1).await?;
                if turn % 80 == 11 {
                    sleep(Duration::from_millis(10)).await;
                }
                drop(connection);
            }
            // Disconnects within an endless body, and within one of known length.
            12 => drop(self.hasty("/endless").await?.chunk().await?),
            13 => drop(self.hasty("/large").await?.bytes(1000).await?),
            14 => drop(self.hasty("/events").await?.chunk().await?),
            15 => {
                let text = request(
                    "GET",
                    "/socket",
                    "connection: upgrade\r\nupgrade: websocket\r\n",
                );
                let mut connection = self.send(&text, 1).await?;
                self.answered(&mut connection, 101).await?;
                connection.write("ping").await?;
                assert_eq!(connection.bytes(4).await?, b"ping");
            }
            16 => {
                let mut connection = self.hasty("/breaks-off").await?;
                while connection.chunk().await.is_ok_and(|chunk| chunk.is_some()) {}
            }
            // Disconnects within the head, which is not a request yet, and sends bytes that are not
            // a request.
            17 => {
                self.connection()
                    .await?
                    .write("GET /hello HTTP/1.1\r\nhos")
                    .await?
            }
            18 => {
                let mut connection = self.connection().await?;
                connection.write("what is this\r\n\r\n").await?;
                assert_eq!(connection.head().await?.status, 400);
            }
            // Disconnects within its own body.
            19 => {
                let text = request("POST", "/upload", "content-length: 500\r\n") + "12345";
                drop(self.send(&text, 1).await?);
            }
            20 if turn % 400 == 20 => {
                let mut connection = self.hasty("/large").await?;
                for _ in 0..16 {
                    sleep(Duration::from_millis(5)).await;
                    connection.bytes(LARGE / 16).await?;
                }
                self.connection = Some(connection);
            }
            21..30 => {
                let status = if turn % 10 == 9 { 500 } else { 200 };
                self.polite(&get(&format!("/users/{turn}")), status).await?;
            }
            _ => assert_eq!(self.polite(&get("/hello"), 200).await?, b"hello"),
        }
        Ok(())
    }
}

/// Sends at least `requests` requests on [`CONNECTIONS`].
async fn load(address: SocketAddr, requests: u64) -> Sent {
    let sent = Arc::new(Sent::default());
    let turns = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (sent, turns) = (Arc::clone(&sent), Arc::clone(&turns));
        clients.spawn(async move {
            let mut client = Client {
                address,
                connection: None,
                sent: &sent,
            };
            while sent.all.load(Relaxed) < requests {
                let turn = turns.fetch_add(1, Relaxed);
                if let Err(error) = client.visit(turn).await {
                    panic!("visit {turn}: {error}");
                }
            }
        });
    }
    clients.join_all().await;
    Arc::into_inner(sent).expect("all clients have gone home")
}

/// The metrics, once nothing is in flight.
async fn metrics_at_rest(address: SocketAddr) -> Exposition {
    until("nothing to be in flight", async || {
        let text = |error: io::Error| error.to_string();
        let mut connection = Connection::open(address).await.map_err(text)?;
        let (status, page) = connection.get("/metrics").await.map_err(text)?;
        assert_eq!(status, 200);
        let page = Exposition::parse(&String::from_utf8_lossy(&page));
        match page.sum("http_requests_in_flight") {
            0.0 => Ok(page),
            in_flight => Err(format!("{in_flight} in flight")),
        }
    })
    .await
}

/// Keeps the intended panics of the handlers out of the test's output.
fn hush_panics() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref() != Some(&"on purpose") {
            others(info);
        }
    }));
}

async fn start(folder: &Folder) -> (Detective, TcpListener, SocketAddr) {
    let file = folder.path().join("rows.db");
    let config = format!(
        "jaeger.protocol = \"off\"\nstore.url = \"sqlite://{}\"",
        file.display()
    );
    let config = folder.write("detective.toml", &config);
    let detective = Detective::builder().config_file(config).start().await;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("port 0 is always free");
    let address = listener.local_addr().expect("a listener has an address");
    (
        detective.expect("the settings are right"),
        listener,
        address,
    )
}

/// What rows and metrics must have in common: labels of `http_requests_total`, and a condition on
/// rows.
const GROUPS: &[(&str, &str)] = &[
    (
        "endpoint=\"/hello\",method=\"GET\"",
        "endpoint = '/hello' AND method = 'GET'",
    ),
    (
        "endpoint=\"/hello\",method=\"HEAD\"",
        "endpoint = '/hello' AND method = 'HEAD'",
    ),
    (
        "method=\"DELETE\",status=\"405\"",
        "endpoint = '/hello' AND status_code = 405",
    ),
    (
        "endpoint=\"/streams/{count}\"",
        "endpoint = '/streams/{count}'",
    ),
    (
        "endpoint=\"unmatched\"",
        "outcome = 'client_error' AND status_code = 404",
    ),
    (
        "endpoint=\"/panics\"",
        "outcome = 'panic' AND status_code = 500 AND error = 'on purpose'",
    ),
    (
        "endpoint=\"/endless\"",
        "endpoint = '/endless' AND outcome = 'client_disconnect'",
    ),
    (
        "endpoint=\"/waits\"",
        "endpoint = '/waits' AND outcome = 'client_disconnect' AND status_code IS NULL",
    ),
    ("status=\"499\"", "status_code IS NULL"),
    (
        "endpoint=\"/breaks-off\"",
        "outcome = 'server_error' AND error = 'the tape has ended'",
    ),
    (
        "endpoint=\"/socket\"",
        "endpoint = '/socket' AND outcome = 'ok' AND status_code = 101",
    ),
    (
        "endpoint=\"/events\"",
        // An event stream ends normally when its client leaves.
        "endpoint = '/events' AND outcome = 'ok'",
    ),
    (
        "endpoint=\"/users/{id}\",method=\"GET\",status=\"500\"",
        "endpoint = '/users/{id}' AND outcome = 'server_error'",
    ),
];

/// Asserts that counters, histograms and rows agree with the requests that arrived.
async fn check(sent: Sent, arrived: Arrived, metrics: Exposition, folder: &Folder) {
    let (all, endless) = (arrived.all.load(Relaxed), arrived.endless.load(Relaxed));
    let (sent, answered) = (sent.all.load(Relaxed), sent.answered.load(Relaxed));
    assert!(
        answered <= all && all <= sent,
        "{answered} <= {all} <= {sent}"
    );

    assert_eq!(metrics.sum("http_requests_total") as u64, all);
    assert_eq!(
        metrics.sum("http_request_duration_seconds_count") as u64,
        all - endless
    );
    assert_eq!(metrics.sum("detective_dropped_total"), 0.0);

    let mut database = Database::open(folder.path().join("rows.db")).await;
    let rows = database.number("SELECT count(*) FROM api_metrics").await;
    assert_eq!(rows as u64, all);
    for (labels, condition) in GROUPS {
        let query = format!("SELECT count(*) FROM api_metrics WHERE {condition}");
        let rows = database.number(&query).await;
        assert_eq!(
            metrics.sum_where("http_requests_total", labels) as i64,
            rows,
            "{labels}"
        );
        assert!(rows > 0, "{condition}");
    }
    database.close().await;
    #[expect(clippy::print_stderr, reason = "worth seeing with --nocapture")]
    {
        eprintln!("{sent} requests sent, {all} arrived, {answered} were answered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_request_is_counted_exactly_once() {
    hush_panics();
    let (folder, arrived) = (Folder::new("load"), Arrived::default());
    let (detective, listener, address) = start(&folder).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let app = arrived.count(app());
    let server = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        detective.serve_until(listener, app, stopped).await
    });

    let sent = load(address, 20_000).await;
    let metrics = metrics_at_rest(address).await;
    stop.send(()).expect("the server still runs");
    let served = server.await.expect("the server does not panic");
    served.expect("nothing is lost");
    check(sent, arrived, metrics, &folder).await;
}

/// The same with axum's own server, where the independent count can be outside Detective.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_request_is_counted_exactly_once_by_another_server() {
    hush_panics();
    let (folder, arrived) = (Folder::new("load"), Arrived::default());
    let (detective, listener, address) = start(&folder).await;
    let app = arrived.count(detective.watch(app())).with_state(());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
    let server = tokio::spawn(server.into_future());

    let sent = load(address, 5_000).await;
    let metrics = metrics_at_rest(address).await;
    stop.send(()).expect("the server still runs");
    let served = server.await.expect("the server does not panic");
    served.expect("axum's server does not fail");
    detective.shutdown().await.expect("nothing is lost");
    check(sent, arrived, metrics, &folder).await;
}
