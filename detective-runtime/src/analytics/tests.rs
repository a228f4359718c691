//! The routes as a client sees them, over a store with rows that are counted by hand.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::cache::Cache;
use crate::config::Loader;
use crate::metrics::{DropReason, Part, QueueFill, Stats};
use crate::record::{Instance, Outcome};
use crate::reload::ConfigHealth;
use crate::store::tests::{Folder, full_row, identity};
use crate::store::{ApiMetric, Store};

/// 2026-11-22T10:00:00Z.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_341_600)
}

fn row(endpoint: &str, method: &str, status: u16, seconds: f64, at: u64) -> ApiMetric {
    ApiMetric {
        endpoint: endpoint.to_owned(),
        method: method.to_owned(),
        status_code: (status != 0).then_some(status),
        response_time: Duration::from_secs_f64(seconds),
        timestamp: start() + Duration::from_secs(at),
        ..full_row()
    }
}

/// The rows of the worked example, one each second.
fn example() -> Vec<ApiMetric> {
    vec![
        row("/users/{user_id}", "GET", 200, 0.1, 0),
        row("/users/{user_id}", "GET", 200, 0.3, 1),
        row("/users/{user_id}", "GET", 500, 0.2, 2),
        row("/users/{user_id}", "POST", 404, 0.2, 3),
        row("/users/{user_id}", "POST", 301, 0.25, 4),
    ]
}

/// The routes over a fresh store with `rows`.
async fn service(folder: &Folder, rows: Vec<ApiMetric>) -> (Router, Arc<Stats>) {
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    let ids = store.writer.assign_ids(rows.len());
    store.writer.write(&ids, &rows, 0..ids.len()).await.unwrap();
    let stats = Arc::new(Stats::default());
    let analytics = Analytics {
        reader: Some(store.reader),
        cache: Cache::new(&crate::config::Cache::default(), Arc::clone(&stats)).unwrap(),
        cache_ttl: Arc::new(|| Duration::ZERO),
        identity: identity(),
        stats: Arc::clone(&stats),
        settle: Arc::new(|| Box::pin(async {})),
        health: Arc::new(|| HealthSnapshot {
            store: Mode::On,
            cache: Mode::Memory,
            exporter: Mode::Off,
            config: ConfigHealth {
                state: "ok",
                ..ConfigHealth::default()
            },
            records: QueueFill {
                depth: 1,
                capacity: 10,
            },
            rows: QueueFill::default(),
            spans: QueueFill::default(),
        }),
    };
    (routes(analytics), stats)
}

async fn ask(router: &Router, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    (status, serde_json::from_str(&text(response).await).unwrap())
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn check(router: &Router, path: &str, expected: Value) {
    assert_eq!(
        ask(router, path).await,
        (StatusCode::OK, expected),
        "{path}"
    );
}

#[tokio::test]
async fn metrics_of_a_closed_range() {
    let folder = Folder::new();
    let (router, _) = service(&folder, example()).await;
    // Three requests in two seconds; the bounds are included.
    check(
        &router,
        "/analytics/metrics?start_time=2026-11-22T10:00:00&end_time=2026-11-22T10:00:02Z",
        json!([{
            "endpoint": "/users/{user_id}",
            "method": "GET",
            "avg_response_time": 0.2,
            "requests_per_minute": 90.0,
            "success_rate": 2.0 / 3.0,
            "error_rate": 1.0 / 3.0,
            "total_requests": 3,
            "p50": 0.2,
            "p90": 0.3,
            "p95": 0.3,
            "p99": 0.3,
            "max": 0.3,
            "last_seen": "2026-11-22T10:00:02.000000Z",
        }]),
    )
    .await;
}

#[tokio::test]
async fn fields_come_in_the_order_of_the_contract() {
    let folder = Folder::new();
    let (router, _) = service(&folder, vec![row("/", "GET", 200, 0.5, 0)]).await;
    let request = Request::get("/analytics/metrics")
        .body(Body::empty())
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(
        text(response).await,
        r#"[{"endpoint":"/","method":"GET","avg_response_time":0.5,"requests_per_minute":0.0,"success_rate":1.0,"error_rate":0.0,"total_requests":1,"p50":0.5,"p90":0.5,"p95":0.5,"p99":0.5,"max":0.5,"last_seen":"2026-11-22T10:00:00.000000Z"}]"#
    );
    let request = Request::get("/analytics/endpoint?endpoint=/&start_time=2026-11-22")
        .body(Body::empty())
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(
        text(response).await,
        r#"{"total_requests":1,"avg_response_time":0.5,"success_rate":1.0,"error_rate":0.0,"requests_by_method":{"GET":1},"status_code_distribution":{"200":1},"p50":0.5,"p90":0.5,"p95":0.5,"p99":0.5,"max":0.5}"#
    );
}

#[tokio::test]
async fn an_open_range_divides_by_the_span_of_the_data() {
    let folder = Folder::new();
    let rows = vec![
        row("/a", "GET", 200, 0.1, 0),
        row("/b", "GET", 200, 0.1, 10),
        row("/b", "GET", 200, 0.1, 30),
    ];
    let (router, _) = service(&folder, rows).await;
    let rates = |answer: Value| {
        let routes = answer.as_array().unwrap().iter();
        routes
            .map(|route| route["requests_per_minute"].as_f64().unwrap())
            .collect::<Vec<_>>()
    };
    let (_, all) = ask(&router, "/analytics/metrics").await;
    assert_eq!(rates(all), [2.0, 4.0]);
    let (_, later) = ask(
        &router,
        "/analytics/metrics?start_time=2026-11-22T10:00:05Z",
    )
    .await;
    assert_eq!(rates(later), [6.0]);
    let (_, one) = ask(&router, "/analytics/metrics?end_time=2026-11-22T10:00:05Z").await;
    assert_eq!(rates(one), [0.0]);
    let (_, filtered) = ask(&router, "/analytics/metrics?endpoint=/b").await;
    assert_eq!(rates(filtered), [4.0]);
}

#[tokio::test]
async fn requests_without_an_answer_count_in_neither_rate() {
    let folder = Folder::new();
    let mut rows = example();
    rows.push(ApiMetric {
        outcome: Outcome::ClientDisconnect,
        ..row("/users/{user_id}", "GET", 0, 1.0, 5)
    });
    let (router, _) = service(&folder, rows).await;
    let (_, answer) = ask(&router, "/analytics/endpoint/users/1?start_time=0").await;
    assert_eq!(answer["total_requests"], 6);
    assert_eq!(answer["success_rate"], 0.6);
    assert_eq!(answer["error_rate"], 0.4);
    assert_eq!(answer["requests_by_method"], json!({"GET": 4, "POST": 2}));
    assert_eq!(answer["max"], 1.0);
}

#[tokio::test]
async fn an_endpoint_is_found_by_template_and_by_path() {
    let folder = Folder::new();
    let (router, _) = service(&folder, example()).await;
    let expected = json!({
        "total_requests": 5,
        "avg_response_time": 0.21,
        "success_rate": 0.6,
        "error_rate": 0.4,
        "requests_by_method": {"GET": 3, "POST": 2},
        "status_code_distribution": {"200": 2, "301": 1, "404": 1, "500": 1},
        "p50": 0.2,
        "p90": 0.3,
        "p95": 0.3,
        "p99": 0.3,
        "max": 0.3,
    });
    for path in [
        "/analytics/endpoint/users/1?",
        "/analytics/endpoint//users/1?",
        "/analytics/endpoint/%2Fusers%2F1?",
        "/analytics/endpoint/users/{user_id}?",
        "/analytics/endpoint/users/%7Buser_id%7D?",
        "/analytics/endpoint?endpoint=/users/7&",
    ] {
        check(
            &router,
            &format!("{path}start_time=2026-11-22"),
            expected.clone(),
        )
        .await;
    }
}

#[tokio::test]
async fn an_unknown_endpoint_answers_zeros() {
    let folder = Folder::new();
    let (router, _) = service(&folder, example()).await;
    let zeros = json!({
        "total_requests": 0,
        "avg_response_time": 0.0,
        "success_rate": 0.0,
        "error_rate": 0.0,
        "requests_by_method": {},
        "status_code_distribution": {},
        "p50": 0.0,
        "p90": 0.0,
        "p95": 0.0,
        "p99": 0.0,
        "max": 0.0,
    });
    check(
        &router,
        "/analytics/endpoint/nowhere?start_time=0",
        zeros.clone(),
    )
    .await;
    check(&router, "/analytics/endpoint?endpoint=/", zeros.clone()).await;
    check(&router, "/analytics/endpoint/", zeros.clone()).await;
    // The rows are older than the last hour, which is the default.
    let old = row("/old", "GET", 200, 0.1, 0);
    let old = ApiMetric {
        timestamp: SystemTime::now() - Duration::from_secs(3_700),
        ..old
    };
    let (router, _) = service(&folder, vec![old]).await;
    check(&router, "/analytics/endpoint/old", zeros).await;
}

#[tokio::test]
async fn the_method_filters() {
    let folder = Folder::new();
    let (router, _) = service(&folder, example()).await;
    let (_, list) = ask(&router, "/analytics/metrics?method=post").await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["method"], "POST");
    let (_, one) = ask(
        &router,
        "/analytics/endpoint/users/1?start_time=0&method=POST",
    )
    .await;
    assert_eq!(one["requests_by_method"], json!({"POST": 2}));
    assert_eq!(one["status_code_distribution"], json!({"301": 1, "404": 1}));
}

#[tokio::test]
async fn percentiles_are_exact() {
    let folder = Folder::new();
    // 1 to 200 milliseconds, in an order that is not theirs.
    let rows = (0..200).map(|number| {
        row(
            "/p",
            "GET",
            200,
            (1 + number * 77 % 200) as f64 / 1e3,
            number,
        )
    });
    let (router, _) = service(&folder, rows.collect()).await;
    let (_, answer) = ask(&router, "/analytics/endpoint/p?start_time=0").await;
    let found = ["p50", "p90", "p95", "p99", "max"].map(|key| answer[key].as_f64().unwrap());
    assert_eq!(found, [0.1, 0.18, 0.19, 0.198, 0.2]);
}

#[tokio::test]
async fn a_bad_range_is_explained() {
    let folder = Folder::new();
    let (router, _) = service(&folder, Vec::new()).await;
    for (query, expected) in [
        (
            "start_time=garbage",
            "`start_time` is `garbage`, expected a time such as",
        ),
        ("end_time=", "`end_time` is ``"),
        (
            "start_time=2026-11-22&end_time=2026-11-21",
            "expected a time before `end_time`",
        ),
    ] {
        for route in ["metrics", "endpoint/users/1"] {
            let (status, answer) = ask(&router, &format!("/analytics/{route}?{query}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST);
            let detail = answer["detail"].as_str().unwrap();
            assert!(detail.contains(expected), "{detail}");
        }
    }
    let (status, _) = ask(&router, "/analytics/endpoint").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_answer_is_reused_for_a_moment() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    let stats = Arc::new(Stats::default());
    let analytics = Analytics {
        reader: Some(store.reader.clone()),
        cache: Cache::new(&crate::config::Cache::default(), Arc::clone(&stats)).unwrap(),
        cache_ttl: Arc::new(|| Duration::from_secs(60)),
        identity: identity(),
        stats,
        settle: Arc::new(|| Box::pin(async {})),
        health: Arc::new(|| unreachable!("health is not asked for")),
    };
    let router = routes(analytics);
    check(&router, "/analytics/metrics", json!([])).await;
    let ids = store.writer.assign_ids(5);
    store
        .writer
        .write(&ids, &example(), 0..ids.len())
        .await
        .unwrap();
    check(&router, "/analytics/metrics", json!([])).await;
    let (_, other) = ask(&router, "/analytics/metrics?start_time=0").await;
    assert_eq!(other.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn health_shows_parts_queue_and_drops() {
    let folder = Folder::new();
    let (router, stats) = service(&folder, Vec::new()).await;
    let (_, answer) = ask(&router, "/analytics/health").await;
    assert_eq!(answer["status"], "ok");
    assert_eq!(answer["store"]["state"], "ok");
    assert_eq!(answer["store"]["last_error"], Value::Null);
    assert_eq!(answer["cache"]["state"], "memory");
    assert_eq!(answer["exporter"]["state"], "off");
    assert_eq!(answer["queue"]["depth"], 1);
    assert_eq!(answer["queue"]["capacity"], 10);
    assert_eq!(answer["versions"]["service"], "shop");

    stats.failed(Part::Store, "disk full".to_owned());
    stats.dropped(DropReason::RowQueueFull, 3);
    let (_, answer) = ask(&router, "/analytics/health").await;
    assert_eq!(answer["status"], "failing");
    assert_eq!(answer["store"]["state"], "failing");
    assert_eq!(answer["store"]["last_error"], "disk full");
    assert!(
        answer["store"]["last_error_at"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    assert_eq!(answer["dropped"]["row_queue_full"], 3);

    stats.succeeded(Part::Store);
    let (_, answer) = ask(&router, "/analytics/health").await;
    assert_eq!(answer["store"]["state"], "ok");
    assert_eq!(answer["store"]["last_error"], "disk full");
}

fn access(token: Option<&str>) -> Access {
    let token = token.map(|token| format!("analytics.token = \"{token}\""));
    let loaded = Loader::isolated(&token.unwrap_or_default()).load();
    Access::new(Arc::new(Instance::new(&loaded.unwrap(), Arc::default())))
}

/// Something behind the access check.
fn guarded(token: Option<&str>) -> Router {
    let access = access(token);
    let inside = Router::new()
        .route("/metrics", get(|| async { "inside" }))
        .route("/analytics", get(|| async { "inside" }));
    access.protect(inside).merge(access.sign_in_route())
}

fn request(peer: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::get("/metrics");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    if !peer.is_empty() {
        let peer: SocketAddr = format!("{peer}:4000").parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    request
}

async fn check_access(
    token: Option<&str>,
    peer: &str,
    headers: &[(&str, &str)],
    expected: Result<(), (u16, &str)>,
) {
    let response = guarded(token)
        .oneshot(request(peer, headers))
        .await
        .unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let status = response.status().as_u16();
    let text = text(response).await;
    match expected {
        Ok(()) => assert_eq!(
            (status, text.as_str()),
            (200, "inside"),
            "{peer} {headers:?}"
        ),
        Err((code, part)) => {
            assert_eq!(status, code, "{peer} {headers:?} {text}");
            let answer: Value = serde_json::from_str(&text).unwrap();
            let detail = answer["detail"].as_str().unwrap();
            assert!(detail.contains(part), "`{part}` is missing in: {detail}");
        }
    }
}

#[tokio::test]
async fn this_machine_needs_no_token() {
    for token in [None, Some("secret")] {
        for (peer, host) in [
            ("127.0.0.1", "localhost:8000"),
            ("127.8.9.1", "127.0.0.1"),
            ("[::1]", "[::1]:8000"),
            ("[::1]", "[::1]"),
            ("[::ffff:127.0.0.1]", "LOCALHOST"),
        ] {
            check_access(token, peer, &[("host", host)], Ok(())).await;
        }
    }
}

#[tokio::test]
async fn everybody_else_is_refused() {
    let local = ("host", "localhost");
    for (peer, headers, reason) in [
        ("10.0.0.1", &[local][..], "`10.0.0.1` is on another machine"),
        ("", &[local], "address is not known"),
        ("127.0.0.1", &[], "no `Host`"),
        (
            "127.0.0.1",
            &[("host", "evil.example:8000")],
            "`Host` is not",
        ),
        (
            "127.0.0.1",
            &[("host", "127.0.0.1.evil.example")],
            "`Host` is not",
        ),
        (
            "127.0.0.1",
            &[("host", "localhost.evil.example")],
            "`Host` is not",
        ),
        (
            "127.0.0.1",
            &[("host", "localhost:80@evil.example")],
            "`Host` is not",
        ),
        ("127.0.0.1", &[("host", "[::2]:80")], "`Host` is not"),
        (
            "127.0.0.1",
            &[local, ("host", "localhost")],
            "`Host` is not",
        ),
        (
            "127.0.0.1",
            &[local, ("x-forwarded-for", "1.2.3.4")],
            "`x-forwarded-for`",
        ),
        (
            "127.0.0.1",
            &[local, ("x-forwarded-host", "a")],
            "`x-forwarded-host`",
        ),
        (
            "127.0.0.1",
            &[local, ("forwarded", "for=1.2.3.4")],
            "`forwarded`",
        ),
        ("127.0.0.1", &[local, ("via", "1.1 proxy")], "`via`"),
        (
            "127.0.0.1",
            &[local, ("x-real-ip", "1.2.3.4")],
            "`x-real-ip`",
        ),
    ] {
        check_access(None, peer, headers, Err((403, reason))).await;
        check_access(None, peer, headers, Err((403, "`analytics.token`"))).await;
        check_access(
            Some("secret"),
            peer,
            headers,
            Err((401, "`analytics.token`")),
        )
        .await;
    }
}

#[tokio::test]
async fn the_token_gives_access() {
    let far = "10.0.0.1";
    for (headers, expected) in [
        (("authorization", "Bearer secret"), Ok(())),
        (("authorization", "bearer secret"), Ok(())),
        (("x-detective-token", "secret"), Ok(())),
        (
            ("authorization", "Bearer wrong"),
            Err((401, "missing or wrong")),
        ),
        (
            ("authorization", "Basic secret"),
            Err((401, "missing or wrong")),
        ),
        (("x-detective-token", ""), Err((401, "missing or wrong"))),
        (
            ("cookie", "detective_session=secret"),
            Err((401, "missing or wrong")),
        ),
    ] {
        check_access(Some("secret"), far, &[headers], expected).await;
    }
    // Without a configured token there is nothing to guess.
    check_access(
        None,
        far,
        &[("x-detective-token", "")],
        Err((403, "another machine")),
    )
    .await;
}

#[tokio::test]
async fn the_door_stands_before_nothing_else() {
    let app = guarded(None).merge(Router::new().route("/toys", get(|| async { "toys" })));
    for (path, status) in [("/toys", 200), ("/nowhere", 404), ("/analytics", 403)] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
    }
    // With all pages turned off there is nothing to stand before, which is fine too.
    assert!(!access(None).protect(Router::new()).has_routes());
}

async fn sign_in(token: Option<&str>, body: &'static str) -> Response<Body> {
    let request = Request::post("/analytics/sign-in")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap();
    guarded(token).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn a_sign_in_sets_a_cookie_that_gives_access() {
    let response = sign_in(Some("top secret"), "token=top+secret").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()["location"], "/analytics");
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
        "{cookie}"
    );
    assert!(!cookie.contains("secret"));

    let pair = format!("theme=dark; {}", cookie.split_once(';').unwrap().0);
    check_access(Some("top secret"), "10.0.0.1", &[("cookie", &pair)], Ok(())).await;
    let refused = Err((401, "missing or wrong"));
    check_access(Some("another"), "10.0.0.1", &[("cookie", &pair)], refused).await;
}

#[tokio::test]
async fn a_wrong_sign_in_shows_the_form_again() {
    for (token, body, status, part) in [
        (Some("secret"), "token=wrong", 401, "The token is wrong"),
        (Some("secret"), "", 401, "The token is wrong"),
        (None, "token=", 403, "`analytics.token`"),
    ] {
        let response = sign_in(token, body).await;
        assert_eq!(response.status().as_u16(), status);
        assert!(!response.headers().contains_key("set-cookie"));
        assert!(text(response).await.contains(part));
    }
}

#[tokio::test]
async fn a_browser_gets_a_form() {
    let page = |token| async move {
        let mut request = request("10.0.0.1", &[("accept", "text/html,*/*;q=0.8")]);
        *request.uri_mut() = "/analytics".parse().unwrap();
        guarded(token).oneshot(request).await.unwrap()
    };
    let response = page(Some("secret")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(
        text(response)
            .await
            .contains("<form method=post action=\"/analytics/sign-in\">")
    );
    let response = page(None).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(text(response).await.starts_with('{'));
}
