//! The first minutes with the store: a few requests, and what is recorded of them.

use std::fs;

use detective_tests::{RunningStore, Store};
use serde_json::{Value, json};

/// No file, page or log may contain this, wherever it was in a request.
const SECRET: &str = "s3cr3t";

/// The requests of somebody who tries the store. Each has secrets in every possible place.
async fn first_requests(store: &RunningStore) -> Vec<(u16, Value)> {
    let mut answers = Vec::new();
    for path in [
        "/users/1",
        "/users/1",
        "/orders/1",
        "/users/abc",
        "/nowhere",
    ] {
        let request = store
            .request("GET", &format!("{path}?api_key={SECRET}-query"))
            .header("authorization", format!("Bearer {SECRET}-authorization"))
            .header("proxy-authorization", format!("Basic {SECRET}-proxy"))
            .header("x-api-key", format!("{SECRET}-key"))
            .header("cookie", format!("session={SECRET}-cookie"))
            .header("user-agent", "first-run/1.0");
        let answer = request.send().await.expect("the store answers");
        answers.push((
            answer.status().as_u16(),
            answer.json().await.expect("it answers with JSON"),
        ));
    }
    store.wait_for_rows(6).await;
    answers
}

async fn start() -> RunningStore {
    // As `cargo run` starts it: with the checked-in settings, and without other servers.
    Store::new()
        .config(include_str!("../../detective.toml"))
        .start()
        .await
}

#[tokio::test]
async fn answers_are_those_of_the_store() {
    let store = start().await;
    let user = json!({"id": 1, "name": "User 1"});
    let expected = [
        (200, user.clone()),
        (200, user.clone()),
        (200, json!({"id": 1, "status": "processing", "user": user})),
        (
            422,
            json!({"detail": "`abc` in the path, expected a whole number of at most 64 bits"}),
        ),
        (404, json!({"detail": "Not Found"})),
    ];
    assert_eq!(first_requests(&store).await, expected);
}

#[tokio::test]
async fn analytics_tells_what_happened() {
    let store = start().await;
    first_requests(&store).await;

    let list = store.json("/analytics/metrics").await;
    let told: Vec<_> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            [
                "endpoint",
                "method",
                "total_requests",
                "success_rate",
                "error_rate",
            ]
            .map(|key| entry[key].clone())
        })
        .collect();
    let expected = [
        [
            json!("/orders/{order_id}"),
            json!("GET"),
            json!(1),
            json!(1.0),
            json!(0.0),
        ],
        [
            json!("/users/{user_id}"),
            json!("GET"),
            json!(4),
            json!(0.75),
            json!(0.25),
        ],
        [
            json!("unmatched"),
            json!("GET"),
            json!(1),
            json!(0.0),
            json!(1.0),
        ],
    ];
    assert_eq!(told, expected);
    for entry in list.as_array().expect("a list") {
        let seconds =
            ["p50", "p90", "p95", "p99", "max"].map(|key| entry[key].as_f64().expect("seconds"));
        assert!(
            seconds.is_sorted() && seconds[0] > 0.0 && seconds[4] < 5.0,
            "{entry}"
        );
        assert!(
            entry["avg_response_time"].as_f64() <= entry["max"].as_f64(),
            "{entry}"
        );
        assert!(
            entry["last_seen"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z')),
            "{entry}"
        );
    }

    // A century has 36,525 days.
    let century = store
        .json("/analytics/metrics?start_time=2000-01-01&end_time=2100-01-01T00:00:00Z")
        .await;
    assert_eq!(
        century[1]["requests_per_minute"],
        json!(4.0 / (36_525.0 * 24.0 * 60.0))
    );

    let mut user = store.json("/analytics/endpoint/users/1").await;
    for key in ["avg_response_time", "p50", "p90", "p95", "p99", "max"] {
        let time = user.as_object_mut().and_then(|user| user.remove(key));
        assert!(
            time.and_then(|time| time.as_f64())
                .is_some_and(|time| time > 0.0),
            "{key} of {user}"
        );
    }
    let expected = json!({
        "total_requests": 4, "success_rate": 0.75, "error_rate": 0.25,
        "requests_by_method": {"GET": 4}, "status_code_distribution": {"200": 3, "422": 1},
    });
    assert_eq!(user, expected);
    for same in [
        "/analytics/endpoint/users/{user_id}",
        "/analytics/endpoint/users%2F%7Buser_id%7D",
    ] {
        assert_eq!(store.json(same).await["total_requests"], 4, "{same}");
    }
    for unknown in [
        "/analytics/endpoint/nobody/was/here",
        "/analytics/endpoint?endpoint=/",
    ] {
        assert_eq!(store.json(unknown).await["total_requests"], 0, "{unknown}");
    }
}

#[tokio::test]
async fn metrics_count_every_request_once() {
    let store = start().await;
    first_requests(&store).await;
    let answer = store.get("/metrics").await;
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let metrics = store.metrics().await;

    let expected = [
        r#"{endpoint="/orders/{order_id}",method="GET",status="200"} 1"#,
        r#"{endpoint="/users/{user_id}",method="GET",status="200"} 3"#,
        r#"{endpoint="/users/{user_id}",method="GET",status="422"} 1"#,
        r#"{endpoint="unmatched",method="GET",status="404"} 1"#,
    ];
    assert_eq!(metrics.of("http_requests_total"), expected);
    let expected = [
        r#"{endpoint="/orders/{order_id}",method="GET"} 1"#,
        r#"{endpoint="/users/{user_id}",method="GET"} 4"#,
        r#"{endpoint="unmatched",method="GET"} 1"#,
    ];
    assert_eq!(metrics.of("http_request_duration_seconds_count"), expected);
    let expected = [
        r#"{endpoint="/orders/{order_id}",method="GET"} 0"#,
        r#"{endpoint="/users/{user_id}",method="GET"} 0"#,
        r#"{endpoint="unmatched",method="GET"} 0"#,
    ];
    assert_eq!(metrics.of("http_requests_in_flight"), expected);
    for bound in [
        "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5",
        "7.5", "10", "+Inf",
    ] {
        let series = format!(
            r#"http_request_duration_seconds_bucket{{endpoint="unmatched",method="GET",le="{bound}"}}"#
        );
        assert!(metrics.value(&series).is_some(), "{series}");
    }
    let expected = [
        r#"{function="cache_check",module="store::users",result="ok"} 3"#,
        r#"{function="database_query",module="store::users",result="ok"} 1"#,
        r#"{function="external_service_call",module="store::users",result="ok"} 3"#,
        r#"{function="get_order_details",module="store::orders",result="ok"} 1"#,
        r#"{function="get_user_details",module="store::orders",result="ok"} 1"#,
    ];
    assert_eq!(metrics.of("function_duration_seconds_count"), expected);
    assert_eq!(metrics.value("detective_rows_written_total"), Some(6.0));
    assert_eq!(metrics.sum("detective_dropped_total"), 0.0);
    assert!(
        metrics
            .value("process_resident_memory_bytes")
            .is_some_and(|bytes| bytes > 0.0)
    );
}

#[tokio::test]
async fn every_request_is_one_row() {
    let mut store = start().await;
    first_requests(&store).await;
    let Some(sqlite) = store.sqlite("data/detective.db") else {
        return;
    };
    assert!(
        store.terminate().await.success(),
        "{}",
        store.process().stderr()
    );

    let columns = "endpoint, method, path, status_code, outcome, error, handler, client_ip, user_agent, consumer, \
                   request_headers, response_headers, request_bytes, response_bytes, service, version";
    let row = |path: &str,
               endpoint: &str,
               status: u16,
               handler: Value,
               bytes: u64,
               agent: Value| {
        let outcome = if status < 400 { "ok" } else { "client_error" };
        json!({
            "endpoint": endpoint, "method": "GET", "path": path, "status_code": status, "outcome": outcome, "error": null,
            "handler": handler, "client_ip": "127.0.0.1", "user_agent": agent, "consumer": null,
            "request_headers": "{}", "response_headers": "{}", "request_bytes": 0, "response_bytes": bytes,
            "service": "store", "version": "0.1.0",
        })
    };
    let (visitor, user) = (json!("first-run/1.0"), json!("store::users::get_user"));
    let expected = [
        row(
            "/users/1",
            "/users/{user_id}",
            200,
            user.clone(),
            24,
            visitor.clone(),
        ),
        row(
            "/users/1",
            "/users/{user_id}",
            200,
            user.clone(),
            24,
            visitor.clone(),
        ),
        row(
            "/orders/1",
            "/orders/{order_id}",
            200,
            json!("store::orders::get_order"),
            62,
            visitor.clone(),
        ),
        // The request of the order's handler, sent by the store's own client.
        row("/users/1", "/users/{user_id}", 200, user, 24, Value::Null),
        // If the path cannot be read, the handler never runs.
        row(
            "/users/abc",
            "/users/{user_id}",
            422,
            Value::Null,
            74,
            visitor.clone(),
        ),
        row("/nowhere", "unmatched", 404, Value::Null, 22, visitor),
    ];
    assert_eq!(
        sqlite.rows(&format!(
            "select {columns} from api_metrics order by timestamp"
        )),
        expected
    );

    let wrong = "select count(*) from api_metrics where id is null or timestamp not glob '20??-??-??T??:??:??.*Z' \
                 or time_to_head <= 0 or time_to_head > response_time or response_time > 5 \
                 or length(trace_id) <> 32 or instance = ''";
    assert_eq!(sqlite.number(wrong), 0, "{}", sqlite.dump());
    // The order and the user that it requested are one trace.
    assert_eq!(
        sqlite.number("select count(distinct trace_id) from api_metrics"),
        5
    );
}

#[tokio::test]
async fn no_secret_is_kept_or_shown() {
    let mut store = start().await;
    let answers = first_requests(&store).await;
    let mut shown = vec![("answers".to_owned(), format!("{answers:?}"))];
    for page in [
        "/metrics",
        "/analytics/metrics",
        "/analytics/endpoint/users/1",
        "/analytics/health",
    ] {
        shown.push((page.to_owned(), store.text(page).await));
    }
    // While it runs, the newest rows are in the write-ahead log. Afterwards they are in the
    // database.
    let mut files = Vec::new();
    for moment in ["running", "ended"] {
        for entry in fs::read_dir(store.file("data")).expect("the store keeps its data there") {
            let path = entry.expect("a folder can be read").path();
            let content = fs::read(&path).expect("a database can be read");
            files.push(
                path.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
            );
            shown.push((
                format!("{} ({moment})", path.display()),
                String::from_utf8_lossy(&content).into_owned(),
            ));
        }
        if moment == "running" {
            store.terminate().await;
        }
    }
    shown.push(("stdout".to_owned(), store.process().stdout()));
    shown.push(("stderr".to_owned(), store.process().stderr()));

    assert!(
        files.iter().any(|file| file == "detective.db-wal"),
        "{files:?}"
    );
    assert!(
        shown.iter().any(|(_, text)| text.contains("first-run/1.0")),
        "the rows are nowhere"
    );
    for (place, text) in shown {
        assert!(!text.contains(SECRET), "a secret is in {place}");
    }
}

#[tokio::test]
async fn only_what_is_listed_is_kept_of_headers_and_query() {
    let config = "\
[http]
trusted_proxies = [\"127.0.0.0/8\"]

[capture]
query = [\"page\"]
request_headers = [\"Accept-Language\", \"cookie\"]
response_headers = [\"content-type\"]

[jaeger]
protocol = \"off\"
";
    let mut store = Store::new().config(config).start().await;
    let request = store
        .request("GET", &format!("/toys?page=2&api_key={SECRET}&page=3"))
        .header("accept-language", "de")
        .header("accept-language", "en")
        .header("cookie", format!("session={SECRET}"))
        .header("x-customer", "Ada")
        // Anybody may have written the addresses left of the last one that is not a trusted proxy.
        .header("x-forwarded-for", "203.0.113.9, 198.51.100.7, 127.0.0.2");
    // The second `page` is refused, since a parameter may occur only once.
    let answer = request.send().await.expect("the store answers");
    assert_eq!(answer.status(), 422);
    store.wait_for_rows(1).await;
    store.terminate().await;

    let stderr = store.process().stderr();
    assert!(
        stderr.contains("`cookie` is never captured, because it is on the deny list"),
        "{stderr}"
    );
    let Some(sqlite) = store.sqlite("data/detective.db") else {
        return;
    };
    let columns = "path, client_ip, consumer, request_headers, response_headers";
    let expected = json!({
        "path": "/toys", "client_ip": "198.51.100.7", "consumer": "Ada",
        "request_headers": r#"{"accept-language":"de, en"}"#, "response_headers": r#"{"content-type":"application/json"}"#,
    });
    assert_eq!(
        sqlite.rows(&format!("select {columns} from api_metrics")),
        [expected]
    );
    assert!(!sqlite.dump().contains(SECRET));
}
