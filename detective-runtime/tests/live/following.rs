//! Tests that a changed file is noticed.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use detective::Detective;
use tower::ServiceExt;

use crate::{Folder, get_toy};

async fn start(folder: &Folder) -> Detective {
    let builder = folder.builder().set("store.enabled", false);
    builder.set("jaeger.protocol", "off").start().await.unwrap()
}

/// Waits until requests are counted in `http_requests_total`, or no longer counted; at most ten
/// seconds.
async fn wait_for(app: &Router, counts: bool) {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let before = total(app).await;
        let request = axum::http::Request::get("/toys/1").body(axum::body::Body::empty());
        app.clone().oneshot(request.unwrap()).await.unwrap();
        if (total(app).await > before) == counts {
            return;
        }
        assert!(Instant::now() < end, "the change was not noticed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn total(app: &Router) -> u64 {
    let mut request = axum::http::Request::get("/metrics")
        .header("host", "localhost")
        .body(axum::body::Body::empty())
        .unwrap();
    let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 4000));
    request
        .extensions_mut()
        .insert(axum::extract::ConnectInfo(peer));
    let response = app.clone().oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    let text = String::from_utf8(body.unwrap().to_vec()).unwrap();
    let samples = text
        .lines()
        .filter(|line| line.starts_with("http_requests_total{"));
    samples
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum()
}

#[tokio::test]
async fn a_changed_file_is_noticed_and_a_stopped_program_stops_looking() {
    let folder = Folder::new("");
    let detective = start(&folder).await;
    let app = detective.watch(Router::new().route("/toys/{id}", get(get_toy)));
    wait_for(&app, true).await;
    folder.write("[http]\nexclude = [\"/toys/*\", \"/metrics\"]\n");
    wait_for(&app, false).await;
    // Config maps change in this way: a new file replaces the old one.
    let new = folder.0.join("new.toml");
    std::fs::write(&new, "[tracing]\nsample = 0.5\n").unwrap();
    std::fs::rename(new, folder.file()).unwrap();
    wait_for(&app, true).await;
    let begin = Instant::now();
    detective.shutdown().await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
}
