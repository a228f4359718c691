//! Tests what a real Prometheus scrapes from the store, and what `promtool` reports.

use detective_tests::{Exposition, Prometheus, Promtool, RunningStore, Store, outside_address};

const TOKEN: &str = "a long random text";

/// Upper bounds of the latency buckets in seconds.
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The sample lines of one method and route with one status: 15 buckets, their sum and count, the
/// counter, the gauge.
const SERIES_OF_A_ROUTE: usize = 19;

fn store() -> Store {
    Store::new().env("DETECTIVE_JAEGER__PROTOCOL", "off")
}

/// Requests of every kind: answered, refused, failed, unmatched, with a wrong method, with an
/// unknown method.
async fn requests_of_every_kind(store: &RunningStore) {
    for path in [
        "/users/1",
        "/orders/1",
        "/users/abc",
        "/nowhere",
        "/catalogue.csv",
        "/toys",
        "/search?q=train",
    ] {
        store.get(path).await;
    }
    for number in 1..=12 {
        store.get(&format!("/gift-wrap/{number}")).await;
    }
    for method in ["DELETE", "BREW"] {
        store
            .request(method, "/users/1")
            .send()
            .await
            .expect("the store answers");
    }
}

#[tokio::test]
async fn the_target_is_up_with_the_token_and_down_without() {
    let Some(address) = outside_address() else {
        return;
    };
    let store = store()
        .on_all_addresses()
        .env("DETECTIVE_ANALYTICS__TOKEN", TOKEN)
        .start()
        .await;
    let target = format!("{address}:{}", store.port());
    // At the same time, since a Prometheus waits five seconds before its first scrape.
    let both = tokio::join!(
        Prometheus::start(&target, Some(TOKEN)),
        Prometheus::start(&target, None)
    );
    let (Some(prometheus), Some(stranger)) = both else {
        return;
    };
    assert_eq!(prometheus.wait_until_up().await.last_error, "");
    store.get("/users/1").await;
    prometheus
        .wait_for(
            r#"http_requests_total{endpoint="/users/{user_id}",method="GET",status="200"}"#,
            |value| value == 1.0,
        )
        .await;
    prometheus
        .wait_for("detective_build_info", |value| value == 1.0)
        .await;

    stranger.wait_for("up", |up| up == 0.0).await;
    assert_eq!(
        stranger.target().await.last_error,
        "server returned HTTP status 401 Unauthorized"
    );
}

#[tokio::test]
async fn promtool_accepts_the_metrics() {
    let Some(promtool) = Promtool::find() else {
        return;
    };
    for naming in ["classic", "semconv"] {
        let store = store()
            .env("DETECTIVE_METRICS__NAMING", naming)
            .start()
            .await;
        assert_eq!(
            promtool.check_metrics(&store.text("/metrics").await),
            "",
            "{naming}, before any request"
        );
        requests_of_every_kind(&store).await;
        let text = store.text("/metrics").await;
        assert_eq!(promtool.check_metrics(&text), "", "{naming}:\n{text}");
        let (own, other) = match naming {
            "classic" => (
                "http_request_duration_seconds_count",
                "http_server_request_duration_seconds_count",
            ),
            _ => (
                "http_server_request_duration_seconds_count",
                "http_request_duration_seconds_count",
            ),
        };
        let metrics = Exposition::parse(&text);
        // 7 and the request of the order, 12 toys to wrap, 2 methods.
        assert_eq!(
            (metrics.sum(own), metrics.sum(other)),
            (22.0, 0.0),
            "{text}"
        );
    }
}

#[tokio::test]
async fn opentelemetry_s_names_say_what_opentelemetry_s_labels_mean() {
    let store = store()
        .env("DETECTIVE_METRICS__NAMING", "semconv")
        .start()
        .await;
    for path in ["/users/1", "/nowhere", "/users/abc"] {
        store.get(path).await;
    }
    store
        .request("BREW", "/nowhere")
        .send()
        .await
        .expect("the store answers");
    let metrics = store.metrics().await;
    // An attribute that is not set is not a label.
    let expected = [
        r#"{http_request_method="GET",http_response_status_code="200",http_route="/users/{user_id}",network_protocol_version="1.1",url_scheme="http"} 1"#,
        r#"{http_request_method="GET",http_response_status_code="404",network_protocol_version="1.1",url_scheme="http"} 1"#,
        r#"{http_request_method="GET",http_response_status_code="422",http_route="/users/{user_id}",network_protocol_version="1.1",url_scheme="http"} 1"#,
        r#"{http_request_method="_OTHER",http_response_status_code="404",network_protocol_version="1.1",url_scheme="http"} 1"#,
    ];
    assert_eq!(
        metrics.of("http_server_request_duration_seconds_count"),
        expected
    );
    let expected = [
        r#"{http_request_method="GET",url_scheme="http"} 0"#,
        r#"{http_request_method="_OTHER",url_scheme="http"} 0"#,
    ];
    assert_eq!(metrics.of("http_server_active_requests"), expected);
}

#[tokio::test]
async fn a_quantile_over_the_histogram_is_right() {
    let store = store().start().await;
    let Some(prometheus) = Prometheus::start(&store.address(), None).await else {
        return;
    };
    // Some wait at least 25 milliseconds for the service and the table, and some are in the cache.
    for round in 0..3 {
        for number in 0..(10 + 10 * round) {
            store.get(&format!("/users/{number}")).await;
        }
    }
    store.wait_for_rows(60).await;
    let labels = r#"{endpoint="/users/{user_id}",method="GET"}"#;
    prometheus
        .wait_for(
            &format!("http_request_duration_seconds_count{labels}"),
            |count| count == 60.0,
        )
        .await;

    let told = store.json("/analytics/metrics").await;
    for (quantile, key) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99")] {
        let exact = told[0][key].as_f64().expect("seconds");
        let above = BOUNDS
            .iter()
            .position(|bound| exact <= *bound)
            .expect("no request takes ten seconds");
        let below = if above == 0 { 0.0 } else { BOUNDS[above - 1] };
        let query =
            format!("histogram_quantile({quantile}, http_request_duration_seconds_bucket{labels})");
        let answer = prometheus.query(&query).await;
        assert!(
            (below..=BOUNDS[above]).contains(&answer[0].value),
            "{key} is {exact}, and Prometheus says {answer:?}"
        );
    }
    let sum = prometheus
        .query(&format!("http_request_duration_seconds_sum{labels}"))
        .await[0]
        .value;
    let average = told[0]["avg_response_time"].as_f64().expect("seconds");
    // Rows have a precision of microseconds.
    assert!(
        (sum - average * 60.0).abs() < 60.0 * 1e-6,
        "{sum} and {average}"
    );
}

#[tokio::test]
async fn openmetrics_names_the_traces_behind_the_numbers() {
    let store = store().start().await;
    store.get("/users/1").await;
    store.wait_for_rows(1).await;
    let accept =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
    let answer = store
        .request("GET", "/metrics")
        .header("accept", accept)
        .send()
        .await
        .expect("the store answers");
    assert_eq!(
        answer.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = answer.text().await.expect("it is text");
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    assert!(text.contains("# TYPE http_requests counter\n"), "{text}");
    assert_eq!(
        Exposition::parse(&text)
            .value(r#"http_requests_total{endpoint="/users/{user_id}",method="GET",status="200"}"#),
        Some(1.0)
    );

    let Some(sqlite) = store.sqlite("data/detective.db") else {
        return;
    };
    let rows = sqlite.rows("select trace_id from api_metrics");
    let trace_id = rows[0]["trace_id"]
        .as_str()
        .expect("the request has a trace");
    let exemplars: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("http_request_duration") && line.contains(" # {"))
        .collect();
    let [exemplar] = exemplars[..] else {
        panic!("expected one exemplar: {exemplars:?}")
    };
    assert!(
        exemplar.contains(&format!(r#" # {{trace_id="{trace_id}",span_id=""#)),
        "{exemplar}"
    );

    let Some(prometheus) = Prometheus::start(&store.address(), None).await else {
        return;
    };
    prometheus
        .wait_for("http_requests_total", |value| value == 1.0)
        .await;
    assert_eq!(
        prometheus
            .exemplars("http_request_duration_seconds_bucket")
            .await,
        [trace_id]
    );
}

#[tokio::test]
async fn strange_requests_add_a_handful_of_series() {
    let store = store().start().await;
    store.get("/users/1").await;
    let before = store.metrics().await.len();
    let growth = async || store.metrics().await.len() - before;

    for number in 0..1000 {
        assert_eq!(
            store
                .get(&format!("/nowhere/{number}?{number}={number}"))
                .await
                .status(),
            404
        );
    }
    assert_eq!(growth().await, SERIES_OF_A_ROUTE);
    for number in 0..50 {
        let method = format!("BREW{number}");
        store
            .request(&method, "/nowhere")
            .send()
            .await
            .expect("the store answers");
        let known = store
            .request(&method, &format!("/users/{number}"))
            .send()
            .await
            .expect("the store answers");
        assert_eq!(known.status(), 405);
    }
    assert_eq!(growth().await, 3 * SERIES_OF_A_ROUTE);
    let expected = [
        r#"{endpoint="/users/{user_id}",method="GET",status="200"} 1"#,
        r#"{endpoint="/users/{user_id}",method="_OTHER",status="405"} 50"#,
        r#"{endpoint="unmatched",method="GET",status="404"} 1000"#,
        r#"{endpoint="unmatched",method="_OTHER",status="404"} 50"#,
    ];
    assert_eq!(store.metrics().await.of("http_requests_total"), expected);
}
