//! Tests ends and failures: SIGTERM under load, a missed deadline, a locked database, a full disk.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response, Sse, sse::Event},
    routing::{any, get, post},
};
use detective::{Detective, ServeError, investigate};
use detective_tests::{
    Database, Exposition, Folder, Process, Store,
    client::{Connection, request},
    free_port, store_binary, until,
};
use futures_util::{StreamExt, stream};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

#[investigate]
async fn hello() -> &'static str {
    "hello"
}

#[investigate]
async fn pending() -> StatusCode {
    std::future::pending().await
}

#[investigate]
async fn a_moment() -> &'static str {
    sleep(Duration::from_millis(300)).await;
    "done"
}

#[investigate]
async fn endless() -> Body {
    // Not more often, because an HTTP/2 client closes a connection that floods it with small
    // frames.
    let ticks = stream::repeat(()).then(async |()| {
        sleep(Duration::from_millis(100)).await;
        Ok::<_, std::convert::Infallible>(Bytes::from_static(b"tick"))
    });
    Body::from_stream(ticks)
}

#[investigate]
async fn events() -> impl IntoResponse {
    let ticks = stream::repeat(()).then(async |()| {
        sleep(Duration::from_millis(10)).await;
        Ok::<_, std::convert::Infallible>(Event::default().data("tick"))
    });
    Sse::new(ticks)
}

#[investigate]
async fn socket(mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let _held_open = upgrade.await;
        std::future::pending::<()>().await;
    });
    let headers = [("connection", "upgrade"), ("upgrade", "websocket")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

fn app() -> Router {
    Router::new()
        .route("/hello", get(hello))
        .route("/hello/{number}", get(hello))
        .route("/pending", get(pending))
        .route("/moment", get(a_moment))
        .route("/endless", any(endless))
        .route("/events", get(events))
        .route("/socket", get(socket))
}

/// A served application that stores its rows in a file.
struct Server {
    address: SocketAddr,
    folder: Folder,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Server {
    async fn start(settings: &str) -> Self {
        let folder = Folder::new("shutdown");
        let file = folder.path().join("rows.db");
        let config = format!("store.url = \"sqlite://{}\"\n{settings}", file.display());
        let config = folder.write("detective.toml", &config);
        let detective = Detective::builder().config_file(config).start().await;
        let detective = detective.expect("the settings are right");
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("port 0 is always free");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let served = tokio::spawn(detective.serve_until(listener, app(), stopped));
        Self {
            address,
            folder,
            stop,
            served,
        }
    }

    async fn connect(&self) -> Connection {
        let connection = Connection::open(self.address).await;
        connection.expect("the server listens")
    }

    async fn metrics(&self) -> Exposition {
        let (status, page) = self.connect().await.get("/metrics").await.expect("a page");
        assert_eq!(status, 200);
        Exposition::parse(&String::from_utf8_lossy(&page))
    }

    async fn database(&self) -> Database {
        Database::open(self.folder.path().join("rows.db")).await
    }

    /// Sends `count` requests, one after another. Returns how long the slowest took.
    async fn requests(&self, count: usize) -> Duration {
        let mut connection = self.connect().await;
        let mut slowest = Duration::ZERO;
        for number in 0..count {
            let began = Instant::now();
            let answer = connection.get(&format!("/hello/{number}")).await;
            assert_eq!(answer.expect("an answer"), (200, b"hello".to_vec()));
            slowest = slowest.max(began.elapsed());
        }
        slowest
    }

    /// Stops it. Returns the result, how long it took, and the folder with its rows.
    async fn stop(self) -> (Result<(), ServeError>, Duration, Folder) {
        let began = Instant::now();
        self.stop.send(()).expect("the server still runs");
        let served = timeout(Duration::from_secs(20), self.served).await;
        let served = served.expect("it ends in time").expect("it does not panic");
        (served, began.elapsed(), self.folder)
    }
}

/// The outcomes of all rows, as `ENDPOINT STATUS OUTCOME`, in alphabetical order.
async fn outcomes(folder: &Folder) -> Vec<String> {
    let mut database = Database::open(folder.path().join("rows.db")).await;
    let query = "SELECT endpoint || ' ' || coalesce(status_code, 'none') || ' ' || outcome \
                 FROM api_metrics ORDER BY 1";
    database.texts(query).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sigterm_under_load_loses_no_finished_request() {
    let store = Store::new().config("jaeger.protocol = \"off\"");
    let mut store = store.start().await;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, store.port()));
    let (next, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..32 {
        let (next, answered) = (Arc::clone(&next), Arc::clone(&answered));
        clients.spawn(async move {
            let mut finished = Vec::new();
            // A connection may end between two requests. Nothing listens once the store has ended.
            while let Ok(mut connection) = Connection::open(address).await {
                loop {
                    let path = format!("/users/{}", next.fetch_add(1, Relaxed));
                    match connection.get(&path).await {
                        Ok((200, _)) => finished.push(path),
                        Ok((status, _)) => panic!("{path} was answered {status}"),
                        Err(_) => break,
                    }
                    answered.fetch_add(1, Relaxed);
                }
            }
            finished
        });
    }
    until("the load to be under way", async || {
        let answered = answered.load(Relaxed);
        (answered > 1_000)
            .then_some(())
            .ok_or_else(|| format!("{answered} answers"))
    })
    .await;
    let status = store.terminate().await;
    assert!(status.success(), "{status}: {}", store.process().stderr());

    let finished = clients.join_all().await.concat();
    let mut database = Database::open(store.file("data/detective.db")).await;
    let rows = database
        .texts("SELECT path FROM api_metrics WHERE outcome = 'ok'")
        .await;
    let rows: std::collections::HashSet<_> = rows.into_iter().collect();
    let lost: Vec<_> = finished
        .iter()
        .filter(|path| !rows.contains(*path))
        .collect();
    assert!(
        lost.is_empty(),
        "{} of {}: {lost:?}",
        lost.len(),
        finished.len()
    );
    assert!(finished.len() > 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_open_at_the_deadline_ends_as_shut_down() {
    let server =
        Server::start("jaeger.protocol = \"off\"\npipeline.shutdown_timeout = \"3s\"").await;
    let mut open = Vec::new();
    for path in ["/pending", "/endless", "/events", "/socket", "/moment"] {
        let mut connection = server.connect().await;
        let rest = match path {
            "/socket" => "connection: upgrade\r\nupgrade: websocket\r\n",
            _ => "",
        };
        connection
            .write(&request("GET", path, rest))
            .await
            .expect("it is open");
        if matches!(path, "/endless" | "/events" | "/socket") {
            connection.head().await.expect("a head");
        }
        open.push(connection);
    }
    // One connection that is idle, and one that has sent half a head.
    let mut idle = server.connect().await;
    idle.get("/hello").await.expect("an answer");
    let mut half = server.connect().await;
    half.write("GET /hello HTTP/1.1\r\n")
        .await
        .expect("it is open");
    // The same over HTTP/2, where each request has its own task.
    let stream = TcpStream::connect(server.address)
        .await
        .expect("the server listens");
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for path in ["/pending", "/endless", "/moment"] {
        let request = hyper::Request::get(format!("http://localhost{path}"))
            .body(())
            .unwrap();
        answers.push(
            client
                .send_request(request, true)
                .expect("the connection is open")
                .0,
        );
    }
    until("all requests to arrive", async || {
        match server.metrics().await.sum("http_requests_in_flight") {
            7.0 => Ok(()),
            in_flight => Err(format!("{in_flight} in flight")),
        }
    })
    .await;

    let moment = open.pop().expect("five are open");
    let moment = tokio::spawn(async move {
        let mut connection = moment;
        let head = connection.head().await.expect("a head");
        connection.body(head.body).await.expect("a body")
    });
    let (served, took, folder) = server.stop().await;
    served.expect("nothing of it is lost");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(moment.await.expect("it does not panic"), b"done");
    assert_eq!(
        outcomes(&folder).await,
        [
            "/endless 200 shutdown",
            "/endless 200 shutdown",
            "/events 200 shutdown",
            "/hello 200 ok",
            "/moment 200 ok",
            "/moment 200 ok",
            "/pending none shutdown",
            "/pending none shutdown",
            "/socket 101 ok",
        ]
    );
}

/// Each request has its own task, separate from its connection's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_requests_on_one_connection_end_as_shut_down() {
    let settings = "jaeger.protocol = \"off\"\npipeline.shutdown_timeout = \"3s\"";
    let server = Server::start(settings).await;
    let stream = TcpStream::connect(server.address).await;
    let stream = stream.expect("the server listens");
    let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..150 {
        let request = hyper::Request::get("http://localhost/pending");
        let mut client = client.clone().ready().await.expect("it is open");
        let sent = client.send_request(request.body(()).expect("a request"), true);
        answers.push(sent.expect("it is open").0);
    }
    until("all requests to arrive", async || {
        match server.metrics().await.sum("http_requests_in_flight") {
            150.0 => Ok(()),
            in_flight => Err(format!("{in_flight} in flight")),
        }
    })
    .await;
    let (served, _, folder) = server.stop().await;
    served.expect("nothing of it is lost");
    assert_eq!(outcomes(&folder).await, vec!["/pending none shutdown"; 150]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn locked_database_costs_requests_nothing() {
    let server = Server::start("jaeger.protocol = \"off\"").await;
    let mut other = server.database().await;
    other.run("BEGIN EXCLUSIVE").await;
    let mut slowest = Duration::ZERO;
    let began = Instant::now();
    let mut sent = 0;
    while began.elapsed() < Duration::from_secs(3) {
        slowest = slowest.max(server.requests(100).await);
        sent += 100;
    }
    // SQLite itself waits two seconds for the lock before the first write fails.
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("detective_rows_written_total"), 0.0);
    assert!(metrics.sum_where("detective_failures_total", "part=\"store\"") > 0.0);
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");

    other.run("ROLLBACK").await;
    until("the rows to be written", async || {
        let written = server.metrics().await.sum("detective_rows_written_total");
        (written == f64::from(sent))
            .then_some(())
            .ok_or_else(|| format!("{written} of {sent}"))
    })
    .await;
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("detective_dropped_total"), 0.0);
    let (served, _, folder) = server.stop().await;
    served.expect("nothing is lost");
    assert_eq!(outcomes(&folder).await.len() as i32, sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_does_not_fit_is_counted() {
    let settings = "jaeger.protocol = \"off\"\nstore.queue_rows = 500";
    let server = Server::start(settings).await;
    let mut other = server.database().await;
    other.run("BEGIN EXCLUSIVE").await;
    let slowest = server.requests(2_000).await;
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    let full = "reason=\"row_queue_full\"";
    until("the pipeline to have seen all requests", async || {
        let metrics = server.metrics().await;
        match metrics.sum("detective_records_total") {
            2_000.0 => Ok(()),
            seen => Err(format!("{seen} of 2000")),
        }
    })
    .await;
    let metrics = server.metrics().await;
    assert_eq!(
        metrics.sum_where("detective_queue_depth", "queue=\"rows\""),
        500.0
    );
    assert_eq!(metrics.sum_where("detective_dropped_total", full), 1_500.0);
    assert_eq!(metrics.sum("detective_dropped_total"), 1_500.0);
    other.run("ROLLBACK").await;
    let (served, _, folder) = server.stop().await;
    served.expect("what was dropped before is not lost by the shutdown");
    assert_eq!(outcomes(&folder).await.len(), 500);
}

/// A collector that counts the exports that it receives.
async fn collector() -> (String, Arc<AtomicU64>) {
    let exports = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&exports);
    let traces = post(async move |_: Bytes| {
        count.fetch_add(1, Relaxed);
    });
    let app = Router::new().route("/v1/traces", traces);
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("port 0 is always free");
    let address = listener.local_addr().expect("a listener has an address");
    tokio::spawn(async { axum::serve(listener, app).await });
    (format!("http://{address}"), exports)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn locked_database_does_not_hold_up_the_rest_of_a_shutdown() {
    let (endpoint, exports) = collector().await;
    let settings = format!(
        "jaeger.endpoint = \"{endpoint}\"\njaeger.flush_interval = \"1m\"\npipeline.shutdown_timeout = \"1s\""
    );
    let server = Server::start(&settings).await;
    let mut other = server.database().await;
    other.run("BEGIN EXCLUSIVE").await;
    server.requests(10).await;
    let (served, took, _folder) = server.stop().await;
    let error = served
        .expect_err("the rows could not be written")
        .to_string();
    assert!(error.contains("10 rows were not written"), "{error}");
    assert!(!error.contains("span"), "{error}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(exports.load(Relaxed), 1);
}

/// A flush waits for the database. Meanwhile the pipeline continues, and so does a shutdown.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn flush_that_waits_does_not_hold_up_the_pipeline() {
    let folder = Folder::new("flush");
    let file = folder.path().join("rows.db");
    let config = format!(
        "jaeger.protocol = \"off\"\nstore.url = \"sqlite://{}\"\npipeline.shutdown_timeout = \"1s\"",
        file.display()
    );
    let config = folder.write("detective.toml", &config);
    let detective = Detective::builder().config_file(config).start().await;
    let detective = detective.expect("the settings are right");
    let app = detective.watch(app());
    let mut other = Database::open(&file).await;
    other.run("BEGIN EXCLUSIVE").await;
    let call = async || {
        let request = hyper::Request::get("/hello").body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(app.clone(), request)
            .await
            .unwrap();
        axum::body::to_bytes(response.into_body(), 100)
            .await
            .unwrap();
    };
    call().await;
    let flushed = timeout(Duration::from_millis(500), detective.flush()).await;
    assert!(flushed.is_err(), "the row cannot be written");
    let began = Instant::now();
    detective
        .shutdown()
        .await
        .expect_err("the row could not be written");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}

/// A limit on the size of files replaces a full disk, since it can be lifted without a mount.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn full_disk_costs_requests_nothing_and_is_used_again() {
    let (folder, port) = (Folder::new("disk"), free_port());
    folder.write(
        "detective.toml",
        "jaeger.protocol = \"off\"\npipeline.tick = \"10ms\"",
    );
    let mut command = Command::new("sh");
    // Without the trap, the system would end a program that writes beyond the limit.
    command.args(["-c", "trap '' XFSZ; ulimit -S -f 1000; exec \"$0\""]);
    command.arg(store_binary());
    command.env("STORE_LISTEN", format!("127.0.0.1:{port}"));
    command.env("DETECTIVE_CONFIG", folder.path().join("detective.toml"));
    let mut store = Process::start(command, Folder::new("store"));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    store
        .wait_until_ready(async || {
            let open = TcpStream::connect(address).await;
            open.map(drop).map_err(|error| error.to_string())
        })
        .await;
    let mut connection = Connection::open(address).await.expect("the store listens");
    let mut sent = 0;
    let mut ask = async |path: &str| {
        let (status, body) = connection.get(path).await.expect("an answer");
        assert_eq!(status, 200);
        String::from_utf8_lossy(&body).into_owned()
    };
    let failures = loop {
        for _ in 0..200 {
            ask("/users/1").await;
            sent += 1;
        }
        let metrics = Exposition::parse(&ask("/metrics").await);
        let failures = metrics.sum_where("detective_failures_total", "part=\"store\"");
        if failures > 0.0 || sent > 40_000 {
            break failures;
        }
    };
    assert!(failures > 0.0, "{sent} requests did not fill the disk");
    let lifted = Command::new("prlimit")
        .arg(format!("--pid={}", store.pid()))
        .arg("--fsize=unlimited")
        .status();
    assert!(lifted.is_ok_and(|status| status.success()), "prlimit");
    until("the rows to be written", async || {
        let metrics = Exposition::parse(&ask("/metrics").await);
        assert_eq!(metrics.sum("detective_dropped_total"), 0.0);
        let written = metrics.sum("detective_rows_written_total");
        (written == f64::from(sent))
            .then_some(())
            .ok_or_else(|| format!("{written} of {sent}"))
    })
    .await;
    assert!(store.terminate().await.success(), "{}", store.stderr());
    let mut database = Database::open(folder.path().join("data/detective.db")).await;
    let rows = database.number("SELECT count(*) FROM api_metrics").await;
    assert_eq!(rows, i64::from(sent));
}
