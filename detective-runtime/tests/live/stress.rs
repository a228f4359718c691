//! Tests many requests while the configuration changes all the time.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use detective::testing;
use tower::ServiceExt;

use crate::{Folder, get_toy};

const REQUESTS_PER_SECOND: u64 = 5_000;
const TIME: Duration = Duration::from_secs(2);

/// Two settings that change together: the row has a path exactly when the handler has a span.
fn toml(on: bool) -> String {
    format!(
        "[pipeline]\nqueue_records = 100_000\n[jaeger]\nqueue_spans = 100_000\n\
         [capture]\npath = {on}\n[investigate.\"live::get_toy\"]\nspans = {on}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_sees_one_configuration() {
    let folder = Folder::new(&toml(true));
    let (detective, sinks) = testing::start_with(folder.builder()).await.unwrap();
    let app = detective.watch(Router::new().route("/toys/{id}", get(get_toy)));
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let senders: Vec<_> = (0..2)
        .map(|_| {
            let (app, stop, sent) = (app.clone(), Arc::clone(&stop), Arc::clone(&sent));
            tokio::spawn(async move {
                while !stop.load(Relaxed) {
                    // Sends the requests that are due by now, and then sleeps briefly.
                    let due = begin.elapsed().as_millis() as u64 * REQUESTS_PER_SECOND / 1000;
                    while sent.load(Relaxed) < due {
                        sent.fetch_add(1, Relaxed);
                        let request = Request::get("/toys/1").body(Body::empty()).unwrap();
                        let response = app.clone().oneshot(request).await.unwrap();
                        assert_eq!(response.status(), StatusCode::OK);
                        let body = axum::body::to_bytes(response.into_body(), 100).await;
                        assert_eq!(body.unwrap(), "toy");
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        })
        .collect();

    let mut on = true;
    let mut reloads = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    while begin.elapsed() < TIME {
        ticks.tick().await;
        on = !on;
        folder.write(&toml(on));
        detective.reload().await.unwrap();
        reloads += 1;
    }
    stop.store(true, Relaxed);
    for sender in senders {
        sender.await.unwrap();
    }

    let rows = sinks.rows().await;
    let spans = sinks.spans().await;
    assert_eq!(
        rows.len() as u64,
        sent.load(Relaxed),
        "every request left a row"
    );
    assert!(reloads >= 15, "{reloads} reloads");
    let with_span: std::collections::HashSet<u128> = spans
        .iter()
        .filter(|span| span.name == "get_toy")
        .map(|span| span.trace_id)
        .collect();
    let (mut on, mut off) = (0, 0);
    for row in &rows {
        let has_span = with_span.contains(&row.trace_id.unwrap());
        assert_eq!(
            row.path.is_some(),
            has_span,
            "{row:?} saw two configurations"
        );
        if has_span { on += 1 } else { off += 1 }
    }
    assert!(on > 0 && off > 0, "{on} and {off}");
    assert_eq!(
        sinks.metric("detective_dropped_total{reason=\"span_queue_full\"}"),
        Some(0.0)
    );
}
