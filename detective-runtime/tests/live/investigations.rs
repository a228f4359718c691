//! Tests `/analytics/investigations`.

use axum::http::Method;
use serde_json::{Value, json};

use crate::Live;

const TOML: &str = "\
[tracing]
slow = \"2s\"

[investigate.\"live::*\"]
histogram = false

[investigate.\"live::sell\"]
record = false

[routes.\"/toys/*\"]
sample = 0.5
";

fn function<'a>(answer: &'a Value, path: &str) -> &'a Value {
    let functions = answer["functions"].as_array().unwrap();
    let function = functions.iter().find(|function| function["path"] == path);
    function.unwrap_or_else(|| panic!("`{path}` is missing in {answer:#}"))
}

fn decided(value: Value, layer: &str, place: Value, key: Value) -> Value {
    json!({"value": value, "layer": layer, "place": place, "key": key})
}

async fn live() -> Live {
    Live::start_with(TOML, |builder| {
        builder
            .set("capture.request_headers", "accept,cookie")
            .set("metrics.buckets", "0.5")
    })
    .await
}

#[tokio::test]
async fn each_value_names_the_layer_that_decided_it() {
    let live = live().await;
    let answer = live.get("/analytics/investigations").await;
    assert_eq!(answer["generation"], 1);
    let file = "detective-runtime/tests/live/main.rs";
    let wrap = function(&answer, "live::wrap");
    let line = wrap["line"].as_u64().unwrap();
    assert_eq!(
        (&wrap["name"], &wrap["file"]),
        (&json!("wrap"), &json!(file))
    );
    assert_eq!(
        wrap["in_force"],
        json!({
            "spans": decided(json!(true), "default", Value::Null, Value::Null),
            "histogram": decided(
                json!(false), "file", json!("detective.toml:5:1"),
                json!("investigate.\"live::*\".histogram"),
            ),
            "buckets": decided(
                json!([0.5]), "builder", json!("set(\"metrics.buckets\")"), json!("metrics.buckets"),
            ),
            "record": decided(json!(true), "default", Value::Null, Value::Null),
            "sample": decided(
                json!(0.25), "attribute", json!(format!("{file}:{line}")), json!("sample"),
            ),
            "slow": decided(
                json!(2.0), "file", json!("detective.toml:2:1"), json!("tracing.slow"),
            ),
            "request_headers": decided(
                json!(["accept"]), "builder", json!("set(\"capture.request_headers\")"),
                json!("capture.request_headers"),
            ),
            "response_headers": decided(
                json!([]), "default", Value::Null, json!("capture.response_headers"),
            ),
        })
    );
    let sell = &function(&answer, "live::sell")["in_force"];
    let place = json!("detective.toml:8:1");
    let key = json!("investigate.\"live::sell\".record");
    assert_eq!(sell["record"], decided(json!(false), "file", place, key));
    assert_eq!(sell["histogram"]["place"], "detective.toml:5:1");
}

#[tokio::test]
async fn what_is_off_for_all_is_off() {
    let live = Live::start("[tracing]\nenabled = false\n[investigate.\"*\"]\nspans = true\n").await;
    let answer = live.get("/analytics/investigations").await;
    let spans = &function(&answer, "live::wrap")["in_force"]["spans"];
    let (place, key) = (json!("detective.toml:2:1"), json!("tracing.enabled"));
    assert_eq!(*spans, decided(json!(false), "file", place, key));
}

#[tokio::test]
async fn a_boost_names_itself() {
    let live = live().await;
    let json = r#"{"function": "live::wrap", "sample": 1.0}"#;
    let (_, boost) = live.send(Method::POST, "/analytics/boost", json).await;
    let answer = live.get("/analytics/investigations").await;
    let place = format!("boost 1 until {}", boost["until"].as_str().unwrap());
    assert_eq!(
        function(&answer, "live::wrap")["in_force"]["sample"],
        decided(json!(1.0), "boost", json!(place), json!("sample"))
    );
    assert_eq!(
        function(&answer, "live::get_toy")["in_force"]["sample"]["layer"],
        "default"
    );
}

#[tokio::test]
async fn calls_are_counted_for_handlers_and_for_what_they_call() {
    let live = live().await;
    for path in ["/toys/1", "/toys/2", "/sell"] {
        live.get(path).await;
    }
    live.detective.flush().await;
    let answer = live.get("/analytics/investigations").await;
    for (path, calls, errors) in [
        ("live::get_toy", 2, 0),
        ("live::wrap", 2, 0),
        ("live::sell", 1, 1),
        ("live::never_called", 0, 0),
    ] {
        let function = function(&answer, path);
        let counted = (&function["calls"], &function["errors"]);
        assert_eq!(counted, (&json!(calls), &json!(errors)), "{path}");
        assert_eq!(function["avg_time"].is_f64(), calls > 0, "{function}");
        assert_eq!(
            function["total_time"] != json!(0.0),
            calls > 0,
            "{function}"
        );
    }
    assert_eq!(function(&answer, "live::never_called")["name"], "forgotten");
    // Calls without a histogram are not exposed to Prometheus.
    assert!(
        !live
            .sinks
            .metrics()
            .contains("function_duration_seconds_count")
    );
}

#[tokio::test]
async fn routes_that_were_asked_for_are_there() {
    let live = live().await;
    for path in ["/toys/1", "/sell", "/nowhere"] {
        live.get(path).await;
    }
    let answer = live.get("/analytics/investigations").await;
    let routes = answer["routes"].as_array().unwrap();
    let endpoints: Vec<_> = routes.iter().map(|route| &route["endpoint"]).collect();
    assert_eq!(endpoints, ["/sell", "/toys/{id}"]);
    assert_eq!(routes[1]["methods"], json!(["GET"]));
    let (place, key) = (
        json!("detective.toml:11:1"),
        json!("routes.\"/toys/*\".sample"),
    );
    assert_eq!(
        routes[1]["in_force"]["sample"],
        decided(json!(0.5), "file", place, key)
    );
    let key = json!("http.exclude");
    assert_eq!(
        routes[1]["excluded"],
        decided(json!(false), "default", Value::Null, key)
    );
}
