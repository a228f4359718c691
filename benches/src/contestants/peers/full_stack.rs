//! What Detective records, assembled from the usual libraries: axum-tracing-opentelemetry with
//! `#[tracing::instrument]`, axum-prometheus, and a row for each request, sent to a thread that inserts them in
//! batches with sqlx.

use std::net::SocketAddr;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath};
use axum::response::Response;
use axum::routing::get;
use axum_prometheus::PrometheusMetricLayer;
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use http::{Request, header};
use opentelemetry::trace::TraceContextExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Sqlite, SqlitePool};
use tokio::sync::{mpsc, oneshot};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::by_hand::{ByHand, Hook};
use super::opentelemetry::{get_toy_instrumented, provider, subscribe};
use crate::app::ROUTE;
use crate::contestants::Contestant;

/// Rows in one transaction, and in one statement; SQLite allows 32,766 values in one.
const BATCH: usize = 2000;

pub(super) async fn build(endpoint: Option<&str>) -> Contestant {
    let provider = provider(endpoint);
    subscribe(&provider);
    let (metrics, handle) = PrometheusMetricLayer::pair();
    let rows = start_writer();
    let app = Router::new()
        .route(ROUTE, get(get_toy_instrumented))
        .layer(ByHand::new(Rows(rows.clone())))
        .layer(metrics)
        .layer(OtelAxumLayer::default());
    Contestant::with_background(app, move || {
        let (provider, handle, rows) = (provider.clone(), handle.clone(), rows.clone());
        async move {
            let (done, written) = oneshot::channel();
            rows.send(Message::Flush(done))
                .await
                .expect("the writer runs");
            written.await.expect("the writer runs");
            provider
                .force_flush()
                .expect("the exporter takes everything");
            handle.run_upkeep();
        }
    })
}

enum Message {
    Row(Row),
    Flush(oneshot::Sender<()>),
}

struct Row {
    endpoint: String,
    method: String,
    path: String,
    status_code: u16,
    response_time: f64,
    timestamp: i64,
    trace_id: Option<String>,
    client_ip: Option<String>,
    user_agent: Option<String>,
}

struct Rows(mpsc::Sender<Message>);

struct Open {
    start: Instant,
    timestamp: SystemTime,
    row: Row,
}

impl Hook for Rows {
    type Open = Open;

    fn before(&self, request: &Request<Body>) -> Open {
        let user_agent = request.headers().get(header::USER_AGENT);
        let route = request.extensions().get::<MatchedPath>();
        let client = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let context = tracing::Span::current().context();
        let span = context.span();
        let span_context = span.span_context();
        Open {
            start: Instant::now(),
            timestamp: SystemTime::now(),
            row: Row {
                endpoint: route.map_or("unmatched", MatchedPath::as_str).to_owned(),
                method: request.method().to_string(),
                path: request.uri().path().to_owned(),
                status_code: 0,
                response_time: 0.0,
                timestamp: 0,
                trace_id: span_context
                    .is_valid()
                    .then(|| span_context.trace_id().to_string()),
                client_ip: client.map(|ConnectInfo(address)| address.ip().to_string()),
                user_agent: user_agent
                    .and_then(|it| it.to_str().ok())
                    .map(str::to_owned),
            },
        }
    }

    fn after(&self, open: Open, response: &Response) {
        let since_epoch = open
            .timestamp
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let row = Row {
            status_code: response.status().as_u16(),
            response_time: open.start.elapsed().as_secs_f64(),
            timestamp: since_epoch.as_micros() as i64,
            ..open.row
        };
        // A row that does not fit is lost: the request does not wait.
        let _full = self.0.try_send(Message::Row(row));
    }
}

fn start_writer() -> mpsc::Sender<Message> {
    let (rows, inbox) = mpsc::channel(50_000);
    std::thread::spawn(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the system has room for a runtime")
            .block_on(write(inbox))
            .expect("the database can be written");
    });
    rows
}

async fn write(mut inbox: mpsc::Receiver<Message>) -> sqlx::Result<()> {
    let folder = tempfile::tempdir().map_err(sqlx::Error::Io)?;
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("rows.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await?;
    sqlx::query(
        "CREATE TABLE requests (id INTEGER PRIMARY KEY, endpoint TEXT, method TEXT, path TEXT, status_code INTEGER, \
         response_time REAL, timestamp INTEGER, trace_id TEXT, client_ip TEXT, user_agent TEXT)",
    )
    .execute(&pool)
    .await?;
    let mut messages = Vec::new();
    let mut rows = Vec::new();
    let mut flushes: Vec<oneshot::Sender<()>> = Vec::new();
    while inbox.recv_many(&mut messages, BATCH).await > 0 {
        for message in messages.drain(..) {
            match message {
                Message::Row(row) => rows.push(row),
                Message::Flush(done) => flushes.push(done),
            }
        }
        if rows.len() >= BATCH || !flushes.is_empty() || inbox.is_empty() {
            insert(&pool, std::mem::take(&mut rows)).await?;
            for done in flushes.drain(..) {
                let _gone = done.send(());
            }
            // So that a batch gathers.
            if inbox.is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
    Ok(())
}

async fn insert(pool: &SqlitePool, rows: Vec<Row>) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO requests (endpoint, method, path, status_code, response_time, timestamp, trace_id, client_ip, \
         user_agent) ",
    );
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(row.endpoint)
            .push_bind(row.method)
            .push_bind(row.path)
            .push_bind(i64::from(row.status_code))
            .push_bind(row.response_time)
            .push_bind(row.timestamp)
            .push_bind(row.trace_id)
            .push_bind(row.client_ip)
            .push_bind(row.user_agent);
    });
    query.build().execute(pool).await.map(drop)
}
