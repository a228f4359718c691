//! Tests who may read `/metrics` and `/analytics`.

use std::sync::LazyLock;

use detective_tests::{Promtool, RunningStore, Store, free_port, outside_address};
use reqwest::{Client, Response, redirect::Policy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const TOKEN: &str = "a long random text";

/// Everything behind the access check.
const PAGES: [&str; 7] = [
    "/metrics",
    "/analytics/metrics",
    "/analytics/endpoint/users/1",
    "/analytics/endpoint?endpoint=/",
    "/analytics/health",
    "/analytics/investigations",
    "/analytics/boost",
];

fn store() -> Store {
    Store::new().env("DETECTIVE_JAEGER__PROTOCOL", "off")
}

/// A client that follows no redirects and keeps no connections, so that the tests can share it.
fn client() -> &'static Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0);
        client
            .build()
            .expect("a client without TLS needs nothing of the system")
    });
    &CLIENT
}

/// The response to a GET with these headers.
async fn ask(url: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = client().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("the store answers")
}

/// Checks that every page below `base` responds to these headers with `status`, and reveals nothing
/// unless that is 200.
async fn check(base: &str, headers: &[(&str, &str)], status: u16) {
    for page in PAGES {
        let answer = ask(&format!("{base}{page}"), headers).await;
        let what = format!("{page} with {headers:?}");
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{what}");
        // The store allows scripts of other sites; these pages do not.
        assert!(
            !answer.headers().contains_key("access-control-allow-origin"),
            "{what}"
        );
        if status != 200 {
            let refusal: serde_json::Value = answer.json().await.expect("a refusal is JSON");
            assert!(
                refusal["detail"]
                    .as_str()
                    .is_some_and(|detail| detail.contains("analytics.token")),
                "{what}: {refusal}"
            );
            assert_eq!(
                refusal.as_object().map(serde_json::Map::len),
                Some(1),
                "{what}"
            );
        }
    }
    // The application's own routes have no access check: they answer everyone.
    assert_eq!(
        ask(&format!("{base}/users/1"), headers).await.status(),
        200,
        "{headers:?}"
    );
}

fn base(store: &RunningStore) -> String {
    store.url("")
}

#[tokio::test]
async fn this_machine_may_look_under_its_own_names() {
    let store = store().start().await;
    check(&base(&store), &[], 200).await;
    for host in [
        "localhost",
        "LOCALHOST:8000",
        "127.0.0.1",
        "127.8.9.10:1",
        "[::1]:80",
    ] {
        check(&base(&store), &[("host", host)], 200).await;
    }
}

#[tokio::test]
async fn a_foreign_host_is_refused() {
    let store = store().start().await;
    let foreign = [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "0.0.0.0",
        "192.0.2.1",
        "[::2]",
    ];
    for host in foreign {
        check(&base(&store), &[("host", host)], 403).await;
    }
    check(
        &base(&store),
        &[("host", "localhost"), ("host", "evil.example")],
        403,
    )
    .await;
}

#[tokio::test]
async fn a_forwarded_request_is_refused() {
    let store = store().start().await;
    let forwarding = [
        ("forwarded", "for=192.0.2.1"),
        ("x-forwarded-for", "192.0.2.1"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-server", "proxy"),
        ("x-real-ip", "192.0.2.1"),
        ("x-client-ip", "192.0.2.1"),
        ("x-cluster-client-ip", "192.0.2.1"),
        ("x-envoy-external-address", "192.0.2.1"),
        ("true-client-ip", "192.0.2.1"),
        ("cf-connecting-ip", "192.0.2.1"),
        ("via", "1.1 proxy"),
    ];
    for header in forwarding {
        check(&base(&store), &[header], 403).await;
    }
}

#[tokio::test]
async fn another_machine_is_refused() {
    let Some(address) = outside_address() else {
        return;
    };
    let store = store().on_all_addresses().start().await;
    let outside = format!("http://{address}:{}", store.port());
    check(&outside, &[], 403).await;
    check(&outside, &[("host", "localhost")], 403).await;
    // If no token is set, no token gives access, not even an empty one.
    check(
        &outside,
        &[("host", "localhost"), ("authorization", "Bearer ")],
        403,
    )
    .await;
    check(&base(&store), &[], 200).await;
}

#[tokio::test]
async fn the_token_opens_from_anywhere() {
    let store = store()
        .on_all_addresses()
        .env("DETECTIVE_ANALYTICS__TOKEN", TOKEN)
        .start()
        .await;
    let address =
        outside_address().map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string());
    let outside = format!("http://{address}:{}", store.port());
    let bearer = format!("Bearer {TOKEN}");
    let from_afar = ("host", "shop.example");

    check(&outside, &[from_afar], 401).await;
    check(&outside, &[from_afar, ("authorization", &bearer)], 200).await;
    check(
        &outside,
        &[from_afar, ("authorization", &format!("bearer {TOKEN}"))],
        200,
    )
    .await;
    check(&outside, &[from_afar, ("x-detective-token", TOKEN)], 200).await;
    check(
        &outside,
        &[
            from_afar,
            ("x-forwarded-for", "192.0.2.1"),
            ("authorization", &bearer),
        ],
        200,
    )
    .await;
    // This machine still needs no token.
    check(&base(&store), &[], 200).await;

    let wrong = [
        "",
        "a",
        "a long random tex",
        "a long random text!",
        "A long random text",
    ];
    for wrong in wrong {
        check(&outside, &[from_afar, ("x-detective-token", wrong)], 401).await;
        check(
            &outside,
            &[from_afar, ("authorization", &format!("Bearer {wrong}"))],
            401,
        )
        .await;
        check(
            &outside,
            &[from_afar, ("cookie", &format!("detective_session={wrong}"))],
            401,
        )
        .await;
    }
    check(
        &outside,
        &[from_afar, ("authorization", &format!("Basic {TOKEN}"))],
        401,
    )
    .await;
    check(
        &outside,
        &[from_afar, ("cookie", &format!("detective_session={TOKEN}"))],
        401,
    )
    .await;
    // In a URL, a token would end in histories and logs.
    let in_query = ask(
        &format!("{outside}/metrics?token=a%20long%20random%20text"),
        &[from_afar],
    )
    .await;
    assert_eq!(in_query.status(), 401);
    assert_eq!(in_query.headers()["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn a_person_signs_in_and_gets_a_cookie() {
    let store = store()
        .env("DETECTIVE_ANALYTICS__TOKEN", TOKEN)
        .start()
        .await;
    let from_afar = ("host", "shop.example");
    let sign_in = async |token: &str| {
        let request = client()
            .post(store.url("/analytics/sign-in"))
            .header(from_afar.0, from_afar.1);
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("token={token}"));
        request.send().await.expect("the store answers")
    };
    let refused = sign_in("guess").await;
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers().get("set-cookie")
        ),
        (401, None)
    );

    let admitted = sign_in("a+long+random+text").await;
    assert_eq!(
        (admitted.status().as_u16(), &admitted.headers()["location"]),
        (303, &"/analytics".parse().expect("a header"))
    );
    let cookie = admitted.headers()["set-cookie"]
        .to_str()
        .expect("a cookie is text")
        .to_owned();
    let (session, attributes) = cookie.split_once("; ").expect("the cookie has attributes");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
    assert!(!cookie.contains("random"), "{cookie}");
    check(&base(&store), &[from_afar, ("cookie", session)], 200).await;
    check(
        &base(&store),
        &[from_afar, ("cookie", &format!("theme=dark; {session}"))],
        200,
    )
    .await;
}

#[tokio::test]
async fn the_token_is_told_to_nobody() {
    let mut store = store()
        .env("DETECTIVE_ANALYTICS__TOKEN", TOKEN)
        .env("RUST_LOG", "debug")
        .start()
        .await;
    check(
        &base(&store),
        &[("host", "shop.example"), ("x-detective-token", TOKEN)],
        200,
    )
    .await;
    let shown = [
        store.text("/metrics").await,
        store.text("/analytics/health").await,
    ];
    store.terminate().await;
    let shown = shown.concat() + &store.process().stdout() + &store.process().stderr();
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[tokio::test]
async fn an_address_of_their_own_takes_the_pages_away_from_the_application() {
    let port = free_port();
    let store = store()
        .env("DETECTIVE_ADMIN__LISTEN", format!("127.0.0.1:{port}"))
        .start()
        .await;
    let own = format!("http://127.0.0.1:{port}");
    for page in PAGES {
        assert_eq!(ask(&store.url(page), &[]).await.status(), 404, "{page}");
        assert_eq!(
            ask(&format!("{own}{page}"), &[]).await.status(),
            200,
            "{page}"
        );
        assert_eq!(
            ask(&format!("{own}{page}"), &[("host", "evil.example")])
                .await
                .status(),
            403,
            "{page}"
        );
        assert_eq!(
            ask(&format!("{own}{page}"), &[("x-forwarded-for", "192.0.2.1")])
                .await
                .status(),
            403,
            "{page}"
        );
    }
    assert_eq!(ask(&format!("{own}/users/1"), &[]).await.status(), 404);
    assert_eq!(store.get("/users/1").await.status(), 200);

    let text = ask(&format!("{own}/metrics"), &[])
        .await
        .text()
        .await
        .expect("it is text");
    assert!(
        text.contains(
            r#"http_requests_total{endpoint="/users/{user_id}",method="GET",status="200"} 1"#
        ),
        "{text}"
    );
    if let Some(promtool) = Promtool::find() {
        assert_eq!(promtool.check_metrics(&text), "");
    }
}

/// The head of the response to bytes that no client library would send.
async fn ask_raw(store: &RunningStore, request: &str) -> String {
    let mut connection = TcpStream::connect(store.address())
        .await
        .expect("the store accepts connections");
    connection
        .write_all(request.as_bytes())
        .await
        .expect("the store reads");
    let mut answer = Vec::new();
    connection
        .read_to_end(&mut answer)
        .await
        .expect("the store answers and closes");
    String::from_utf8_lossy(&answer)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn no_way_of_writing_a_foreign_host_gets_through() {
    let store = store().start().await;
    let cases = [
        (
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\n",
            "HTTP/1.1 200 OK",
        ),
        (
            "GET http://localhost/metrics HTTP/1.1\r\nHost: localhost\r\n",
            "HTTP/1.1 200 OK",
        ),
        (
            "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n",
            "HTTP/1.1 403 Forbidden",
        ),
        (
            "GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n",
            "HTTP/1.1 403 Forbidden",
        ),
        (
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
            "HTTP/1.1 403 Forbidden",
        ),
        (
            "GET /metrics HTTP/1.1\r\nHost:\r\n",
            "HTTP/1.1 403 Forbidden",
        ),
        ("GET /metrics HTTP/1.1\r\n", "HTTP/1.1 403 Forbidden"),
        ("GET /metrics HTTP/1.0\r\n", "HTTP/1.0 403 Forbidden"),
        // A proxy with default settings sends this.
        (
            "GET /metrics HTTP/1.0\r\nHost: 127.0.0.1:8000\r\nConnection: close\r\n",
            "HTTP/1.0 403 Forbidden",
        ),
        (
            "HEAD /metrics HTTP/1.1\r\nHost: evil.example\r\n",
            "HTTP/1.1 403 Forbidden",
        ),
        (
            "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n",
            "HTTP/1.1 405 Method Not Allowed",
        ),
        (
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-FORWARDED-FOR: 127.0.0.1\r\n",
            "HTTP/1.1 403 Forbidden",
        ),
        (
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nForwarded:\r\n",
            "HTTP/1.1 403 Forbidden",
        ),
    ];
    for (request, expected) in cases {
        let answer = ask_raw(&store, &format!("{request}Connection: close\r\n\r\n")).await;
        assert_eq!(answer, expected, "{request}");
    }
}

#[tokio::test]
async fn http_2_names_its_host_in_the_address() {
    let store = store().start().await;
    let client = Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .expect("a client");
    let status = async |host: &'static str| {
        let request = client.get(store.url("/metrics")).header("host", host);
        request
            .send()
            .await
            .expect("the store answers")
            .status()
            .as_u16()
    };
    assert_eq!(status("localhost").await, 200);
    assert_eq!(status("evil.example").await, 403);
}
