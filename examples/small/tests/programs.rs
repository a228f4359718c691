//! Each program starts, answers as its first comment promises, leaves behind what it teaches, and ends when it is asked
//! to.

use std::process::Command;

use detective_tests::{Folder, Process, Redis, until};
use reqwest::{Client, Response};
use serde_json::{Value, json};

/// A running program. Its working directory is an empty folder.
struct Program {
    process: Process,
    url: String,
    client: Client,
}

impl Program {
    async fn start(program: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program);
        let folder = Folder::new("small");
        // What the environment of the tests says about Detective is not for the program.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("DETECTIVE_") || text.starts_with("OTEL_") || text == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.env("LISTEN", "127.0.0.1:0");
        command.env("DETECTIVE_JAEGER__PROTOCOL", "off");
        // Else those of `rules` were beside its settings, in the source.
        let rows = folder.path().join("rows.db");
        command.env(
            "DETECTIVE_STORE__URL",
            format!("sqlite://{}", rows.display()),
        );
        command.envs(environment.iter().copied());
        let mut process = Process::start(command, folder);
        let url = until("the program to listen", async || {
            assert!(process.exited().is_none(), "it ended: {}", process.stderr());
            let output = process.stdout();
            let url = output
                .lines()
                .find_map(|line| line.strip_prefix("listening on "));
            url.map(str::to_owned).ok_or(output)
        })
        .await;
        let client = Client::builder()
            .no_proxy()
            .build()
            .expect("a client needs nothing of the system");
        Self {
            process,
            url,
            client,
        }
    }

    async fn get(&self, path: &str) -> Response {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await;
        answer.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    async fn text(&self, path: &str) -> String {
        self.get(path)
            .await
            .text()
            .await
            .expect("the body arrives whole")
    }

    async fn json(&self, path: &str) -> Value {
        let text = self.text(path).await;
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("GET {path}: {error} in `{text}`"))
    }

    /// Waits until the rows of so many requests are written.
    async fn wait_for_rows(&self, rows: u64) {
        until(&format!("{rows} rows"), async || {
            let health = self.json("/analytics/health").await;
            if health["rows_written"] == rows {
                Ok(())
            } else {
                Err(health.to_string())
            }
        })
        .await;
    }

    /// Ends it as an operator would; it has to say that all went well.
    async fn end(mut self) {
        let status = self.process.terminate().await;
        assert!(status.success(), "{status}: {}", self.process.stderr());
    }
}

/// The line of `/metrics` that begins with `sample`.
fn value<'a>(metrics: &'a str, sample: &str) -> Option<&'a str> {
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))
}

#[tokio::test]
async fn hello() {
    let program = Program::start(env!("CARGO_BIN_EXE_hello"), &[]).await;
    assert_eq!(program.text("/hello/ada").await, "hello ada");
    program.wait_for_rows(1).await;
    assert_eq!(
        program.json("/analytics/metrics").await[0]["endpoint"],
        "/hello/{name}"
    );
    program.end().await;
}

#[tokio::test]
async fn rules() {
    let program = Program::start(env!("CARGO_BIN_EXE_rules"), &[]).await;
    assert_eq!(program.text("/clock").await, "noon");
    assert_eq!(program.text("/report").await, "500500 is the sum");
    // That of the report: the clock has no rows.
    program.wait_for_rows(1).await;
    let metrics = program.text("/metrics").await;
    let requests = r#"http_requests_total{endpoint="/clock",method="GET",status="200"}"#;
    assert_eq!(value(&metrics, requests), Some("1"));
    assert!(
        metrics.contains(r#"function="add_up",module="rules",result="ok",le="0.0001""#),
        "{metrics}"
    );
    program.end().await;
}

#[tokio::test]
async fn boost() {
    let program = Program::start(env!("CARGO_BIN_EXE_boost"), &[]).await;
    let boost = json!({ "route": "/search", "sample": 1.0, "for": "5m" });
    let begun = program
        .client
        .post(format!("{}/analytics/boost", program.url))
        .json(&boost)
        .send()
        .await;
    assert!(begun.is_ok_and(|answer| answer.status().is_success()));
    assert_eq!(
        program.json("/analytics/boost").await[0]["route"],
        "/search"
    );
    let answer = program.text("/search").await;
    assert!(answer.starts_with("found nothing, trace "), "{answer}");
    let ended = program
        .client
        .delete(format!("{}/analytics/boost", program.url))
        .send()
        .await;
    assert!(ended.is_ok_and(|answer| answer.status().is_success()));
    assert_eq!(program.json("/analytics/boost").await, json!([]));
    program.end().await;
}

#[tokio::test]
async fn sql() {
    let program = Program::start(env!("CARGO_BIN_EXE_sql"), &[]).await;
    assert_eq!(program.text("/toys/1").await, "kite");
    assert_eq!(program.get("/toys/2").await.status(), 404);
    program.end().await;
}

#[tokio::test]
async fn redis() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let program = Program::start(env!("CARGO_BIN_EXE_redis"), &[("REDIS_URL", &redis.url())]).await;
    assert_eq!(program.text("/visits").await, "1 visits");
    assert_eq!(program.text("/visits").await, "2 visits");
    assert_eq!(redis.get("visits").await.as_deref(), Some("2"));
    assert_eq!(program.text("/stock").await, "12 in stock");
    until("the stock in Redis", async || {
        let keys = redis.keys("*stock").await;
        if keys.len() == 1 {
            Ok(())
        } else {
            Err(format!("{keys:?}"))
        }
    })
    .await;
    program.end().await;
}

#[tokio::test]
async fn spawned_task() {
    let program = Program::start(env!("CARGO_BIN_EXE_spawned_task"), &[]).await;
    let answer = program
        .client
        .post(format!("{}/orders", program.url))
        .send()
        .await;
    let answer = answer.expect("it answers");
    assert_eq!(answer.status(), 202);
    let trace_id = answer.text().await.expect("the body arrives whole");
    assert_eq!(trace_id.len(), 32, "{trace_id}");
    let receipt = r#"function_duration_seconds_count{function="send_receipt",module="spawned_task",result="ok"}"#;
    until("the receipt", async || {
        let metrics = program.text("/metrics").await;
        if value(&metrics, receipt) == Some("1") {
            Ok(())
        } else {
            Err(metrics)
        }
    })
    .await;
    program.end().await;
}

#[tokio::test]
async fn without_serve() {
    let program = Program::start(env!("CARGO_BIN_EXE_without_serve"), &[]).await;
    assert_eq!(program.text("/").await, "home");
    program.wait_for_rows(1).await;
    program.end().await;
}

#[tokio::test]
async fn testing() {
    let program = Program::start(env!("CARGO_BIN_EXE_testing"), &[]).await;
    assert_eq!(program.get("/broken").await.status(), 503);
    program.end().await;
}
