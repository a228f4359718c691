//! Tests changes of the configuration while the program runs, and what the routes of Detective
//! report about it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod boost;
mod following;
mod investigations;
mod reload;
mod stress;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode};
use axum::routing::get;
use detective::testing::{self, Sinks};
use detective::{Builder, Detective, investigate};
use serde_json::Value;
use tower::ServiceExt;

/// A folder with a `detective.toml`. It is deleted when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(toml: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        let name = format!("detective-live-{}-{number}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).unwrap();
        folder.write(toml);
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.join("detective.toml")
    }

    fn write(&self, toml: &str) {
        std::fs::write(self.file(), toml).unwrap();
    }

    fn builder(&self) -> Builder {
        Detective::builder().config_file(self.file())
    }

    /// The text with the file's name instead of its path.
    fn short(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_behind = std::fs::remove_dir_all(&self.0);
    }
}

#[investigate]
async fn get_toy() -> &'static str {
    wrap().await;
    "toy"
}

#[investigate(sample = 0.25)]
async fn wrap() {}

#[investigate]
async fn get_slow_toy() -> &'static str {
    tokio::task::yield_now().await;
    get_toy().await
}

#[investigate]
async fn sell() -> Result<(), StatusCode> {
    Err(StatusCode::CONFLICT)
}

#[investigate(name = "forgotten")]
#[allow(dead_code, reason = "that it is never called is what is tested")]
async fn never_called() {}

/// A program whose file can be changed.
struct Live {
    folder: Folder,
    detective: Detective,
    sinks: Sinks,
    app: Router,
}

impl Live {
    async fn start(toml: &str) -> Self {
        Self::start_with(toml, |builder| builder).await
    }

    async fn start_with(toml: &str, more: impl FnOnce(Builder) -> Builder) -> Self {
        let folder = Folder::new(toml);
        let (detective, sinks) = testing::start_with(more(folder.builder())).await.unwrap();
        let app = Router::new()
            .route("/toys/{id}", get(get_toy))
            .route("/slow-toy", get(get_slow_toy))
            .route("/sell", get(sell));
        let app = detective.watch(app);
        Self {
            folder,
            detective,
            sinks,
            app,
        }
    }

    /// Writes the file and reloads it. Returns the error, if there is one.
    async fn change(&self, toml: &str) -> Result<(), String> {
        self.folder.write(toml);
        self.reload().await
    }

    async fn reload(&self) -> Result<(), String> {
        let reloaded = self.detective.reload().await;
        reloaded.map_err(|error| self.folder.short(&error.to_string()))
    }

    async fn send(&self, method: Method, path: &str, json: &str) -> (StatusCode, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Body::from(json.to_owned()))
            .unwrap();
        let peer: SocketAddr = ([127, 0, 0, 1], 4000).into();
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        let body = self.folder.short(str::from_utf8(&body.unwrap()).unwrap());
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, "").await.1
    }

    /// What `/analytics/health` reports about the configuration.
    async fn config(&self) -> Value {
        self.get("/analytics/health").await["config"].take()
    }

    /// Requests a toy. Returns how many traces that recorded.
    async fn traces_of_a_toy(&self) -> usize {
        let before = self.servers().await;
        self.get("/toys/1").await;
        self.servers().await - before
    }

    async fn servers(&self) -> usize {
        let spans = self.sinks.spans().await;
        let is_server = |span: &&testing::Span| span.kind == testing::SpanKind::Server;
        spans.iter().filter(is_server).count()
    }
}
