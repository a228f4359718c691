//! Tests the tools themselves: each server starts, answers, and is gone afterwards.

use std::{
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Router, routing::get};
use detective_tests::{
    Folder, Jaeger, Process, Prometheus, Promtool, Redis, Sqlite, free_port, until,
};
use reqwest::Client;
use serde_json::json;
use tokio::net::TcpListener;

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

/// An OTLP request with two spans, the second below the first.
fn two_spans() -> serde_json::Value {
    let start = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is after 1970")
        .as_nanos();
    let span = |id: &str,
                parent: &str,
                name: &str,
                kind: u8,
                offset: u128,
                status: serde_json::Value| {
        json!({
            "traceId": TRACE_ID, "spanId": id, "parentSpanId": parent, "name": name, "kind": kind,
            "startTimeUnixNano": (start + offset).to_string(), "endTimeUnixNano": (start + 9_000_000).to_string(),
            "attributes": [{"key": "answer", "value": {"intValue": "42"}}], "status": status,
        })
    };
    let service =
        json!({"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]});
    let spans = [
        span(
            "b7ad6b7169203332",
            "b7ad6b7169203331",
            "find",
            1,
            1_000_000,
            json!({}),
        ),
        span(
            "b7ad6b7169203331",
            "",
            "GET /",
            2,
            0,
            json!({"code": 2, "message": "sold out"}),
        ),
    ];
    json!({"resourceSpans": [{"resource": service, "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}]}]})
}

#[tokio::test]
async fn jaeger_answers_with_the_tree_that_it_was_sent() {
    let Some(mut jaeger) = Jaeger::start().await else {
        return;
    };
    let send = async |jaeger: &Jaeger| {
        let sent = Client::new()
            .post(jaeger.otlp_http() + "/v1/traces")
            .json(&two_spans())
            .send()
            .await;
        assert!(sent.expect("Jaeger takes OTLP").status().is_success());
    };

    send(&jaeger).await;
    let trace = jaeger
        .wait_for_trace(TRACE_ID, |trace| trace.spans.len() == 2)
        .await;
    assert_eq!(
        trace.to_string(),
        "GET / (server of shop) error\n  find (internal of shop)\n"
    );
    assert_eq!(trace.root().status_description.as_deref(), Some("sold out"));
    assert_eq!(trace.span("find").tag("answer").as_deref(), Some("42"));
    assert!(trace.warnings.is_empty(), "{:?}", trace.warnings);
    assert_eq!(
        jaeger
            .wait_for("shop", |trace| trace.find("find").is_some())
            .await
            .id,
        TRACE_ID
    );
    assert_eq!(jaeger.services().await, ["shop"]);

    jaeger.restart().await;
    assert!(jaeger.trace(TRACE_ID).await.is_none());
    send(&jaeger).await;
    jaeger
        .wait_for_trace(TRACE_ID, |trace| trace.spans.len() == 2)
        .await;
}

#[tokio::test]
async fn prometheus_scrapes_its_target() {
    let metrics =
        "# HELP seen_total What was seen.\n# TYPE seen_total counter\nseen_total{kind=\"a\"} 3\n";
    let app = Router::new().route("/metrics", get(move || async move { metrics }));
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("port 0 is always free");
    let target = listener
        .local_addr()
        .expect("a listener has an address")
        .to_string();
    tokio::spawn(async { axum::serve(listener, app).await });

    let Some(prometheus) = Prometheus::start(&target, Some("secret")).await else {
        return;
    };
    assert_eq!(
        prometheus.wait_until_up().await.url,
        format!("http://{target}/metrics")
    );
    prometheus
        .wait_for("sum(seen_total)", |value| value == 3.0)
        .await;
    let samples = prometheus.query("seen_total").await;
    assert_eq!(samples[0].labels["kind"], "a");
    assert_eq!(
        prometheus.query("scalar(sum(seen_total)) * 2").await[0].value,
        6.0
    );
}

#[tokio::test]
async fn redis_keeps_a_key_until_it_is_restarted() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    redis
        .command::<()>(&["SET", "user:1", "Ada", "EX", "300"])
        .await;
    assert_eq!(redis.get("user:1").await.as_deref(), Some("Ada"));
    assert!(
        (299..=300).contains(
            &redis
                .ttl("user:1")
                .await
                .expect("the key has a time to live")
        )
    );
    assert_eq!(redis.keys("*").await, ["user:1"]);

    redis.restart().await;
    assert_eq!(redis.get("user:1").await, None);
    assert_eq!(redis.ttl("user:1").await, None);
}

#[test]
fn promtool_finds_what_is_wrong() {
    let Some(promtool) = Promtool::find() else {
        return;
    };
    assert_eq!(
        promtool.check_metrics("# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"),
        ""
    );
    assert!(
        promtool
            .check_metrics("# HELP a A.\n# TYPE a counter\na 1\n")
            .contains("_total")
    );
    assert!(promtool.check_metrics("a{ 1\n").contains("error"));
}

#[test]
fn sqlite_reads_rows() {
    let folder = Folder::new("sqlite");
    let path = folder.path().join("a.db");
    let Some(sqlite) = Sqlite::open(&path) else {
        return;
    };
    let made = Command::new("sqlite3")
        .arg(&path)
        .arg("create table t (a, b); insert into t values (1, 'x')")
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    assert_eq!(sqlite.rows("select * from t"), [json!({"a": 1, "b": "x"})]);
    assert_eq!(
        sqlite.rows("select * from t where a = 2"),
        [] as [serde_json::Value; 0]
    );
    assert_eq!(sqlite.number("select count(*) from t"), 1);
    assert!(sqlite.dump().contains("INSERT INTO t VALUES(1,'x')"));
}

#[tokio::test]
async fn a_process_ends_when_it_is_told_to_and_when_it_is_dropped() {
    let start = || {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "echo begun; echo trouble >&2; trap 'exit 7' TERM; while :; do sleep 0.05; done",
        ]);
        Process::start(command, Folder::new("process"))
    };
    let begun = async |process: &Process| {
        until("its output", async || {
            if process.stderr() == "trouble\n" {
                Ok(())
            } else {
                Err(process.stderr())
            }
        })
        .await;
    };

    let mut process = start();
    begun(&process).await;
    assert_eq!(process.stdout(), "begun\n");
    assert_eq!(process.terminate().await.code(), Some(7));

    let process = start();
    begun(&process).await;
    let pid = process.pid().to_string();
    let (alive, folder) = (
        || {
            Command::new("sh")
                .args(["-c", "kill -0 $0 2>&1", &pid])
                .output()
        },
        process.folder().to_owned(),
    );
    assert!(alive().is_ok_and(|output| output.status.success()));
    drop(process);
    assert!(alive().is_ok_and(|output| !output.status.success()));
    assert!(!folder.exists());
}

#[test]
fn no_port_is_given_out_twice() {
    let ports: std::collections::HashSet<_> = (0..50).map(|_| free_port()).collect();
    assert_eq!(ports.len(), 50);
}
