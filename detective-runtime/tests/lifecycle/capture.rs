//! Tests what is captured from a request, and what is never captured.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use detective::investigate;
use detective::testing::ApiMetric;

use crate::{Watched, watch};

#[investigate]
async fn answers() -> impl IntoResponse {
    let headers = [
        ("content-type", "text/plain"),
        ("x-shelf", "7"),
        ("set-cookie", "session=secret"),
    ];
    (headers, "here")
}

#[investigate]
async fn refuses() -> Result<(), String> {
    Err("no room for ".to_owned() + &"toys ".repeat(1000))
}

fn app() -> Router {
    Router::new()
        .route("/", get(answers))
        .route("/other", get(answers))
        .route("/refuses", get(refuses))
        .route("/upload", post(async |body: String| body.len().to_string()))
}

fn from(peer: &str, request: http::request::Builder) -> Request<Body> {
    let peer: SocketAddr = peer.parse().unwrap();
    request
        .extension(ConnectInfo(peer))
        .body(Body::empty())
        .unwrap()
}

fn full_request(path: &str) -> http::request::Builder {
    Request::get(path)
        .header("authorization", "Bearer secret")
        .header("cookie", "session=secret")
        .header("x-session", "secret")
        .header("accept-language", "de")
        .header("accept-language", "en")
        .header("user-agent", "curl/8")
}

/// Sends a request with many kinds of headers. Returns its row, and the text of everything that was
/// recorded, to search it for what must not be there.
async fn record(toml: &str, path: &str) -> (ApiMetric, String) {
    let watched = watch(toml, app()).await;
    watched
        .send(from("198.51.100.7:1234", full_request(path)))
        .await;
    let row = watched.row().await;
    let all = format!("{row:?} {:?}", watched.sinks.spans().await);
    (row, all)
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.into(), value.into())
}

#[tokio::test]
async fn little_by_default() {
    let (row, all) = record("", "/?token=secret&page=2").await;
    assert_eq!(row.path.as_deref(), Some("/"));
    assert_eq!(row.user_agent.as_deref(), Some("curl/8"));
    assert_eq!(row.client_ip.as_deref(), Some("198.51.100.7"));
    assert_eq!(
        (row.request_headers, row.response_headers),
        (vec![], vec![])
    );
    assert!(!all.contains("secret"), "{all}");
    assert!(!all.contains("page"), "{all}");
}

#[tokio::test]
async fn headers_by_allow_list_and_never_those_on_the_deny_list() {
    let toml = r#"
        [capture]
        request_headers = ["Accept-Language", "authorization", "Cookie", "x-session"]
        response_headers = ["x-shelf", "set-cookie"]
        deny = ["X-Session"]
        [routes."/other"]
        request_headers = ["cookie"]
    "#;
    let (row, all) = record(toml, "/").await;
    let languages = [pair("accept-language", "de"), pair("accept-language", "en")];
    assert_eq!(row.request_headers, languages);
    assert_eq!(row.response_headers, [pair("x-shelf", "7")]);
    assert!(!all.contains("secret"), "{all}");
    let (row, all) = record(toml, "/other").await;
    assert_eq!(row.request_headers, []);
    assert_eq!(row.response_headers, [pair("x-shelf", "7")]);
    assert!(!all.contains("secret"), "{all}");
}

#[tokio::test]
async fn headers_by_the_rule_of_the_handler() {
    let toml = r#"
        [investigate."*::answers"]
        request_headers = ["accept-language"]
        response_headers = ["content-type"]
    "#;
    let (row, _) = record(toml, "/").await;
    assert_eq!(row.request_headers.len(), 2);
    assert_eq!(row.response_headers, [pair("content-type", "text/plain")]);
    // The rule does not apply to requests of another handler.
    let (row, all) = record(toml, "/refuses").await;
    assert_eq!(
        (row.request_headers, row.response_headers),
        (vec![], vec![])
    );
    assert!(!all.contains("accept-language"), "{all}");
}

#[tokio::test]
async fn query_by_allow_list() {
    let watched = watch("[capture]\nquery = [\"page\"]", app()).await;
    watched.get("/?token=secret&page=2").await;
    let spans = watched.sinks.spans().await;
    let query = spans[0].attribute("url.query").unwrap();
    assert_eq!(*query, "page=2".into());
    assert_eq!(watched.row().await.path.as_deref(), Some("/"));
}

#[tokio::test]
async fn whatever_is_turned_off_is_not_kept() {
    let toml =
        "[capture]\npath = false\nuser_agent = false\nclient_address = \"off\"\nerror = false";
    let (row, all) = record(toml, "/refuses").await;
    assert_eq!(
        (row.path, row.user_agent, row.client_ip),
        (None, None, None)
    );
    assert_eq!(row.error, None);
    for text in ["curl/8", "198.51.100.7", "no room", "url.path"] {
        assert!(!all.contains(text), "`{text}` in {all}");
    }
    let (row, _) = record("", "/refuses").await;
    assert!(row.error.unwrap().starts_with("no room for toys"));
}

#[tokio::test]
async fn texts_are_cut_off() {
    let toml = "[capture]\nmax_text_bytes = 16\nrequest_headers = [\"accept-language\"]";
    let watched = watch(toml, app()).await;
    let request = Request::get("/refuses/".to_owned() + &"ä".repeat(100).replace('ä', "%C3%A4"))
        .header("user-agent", "x".repeat(1000))
        .header("accept-language", "y".repeat(1000));
    watched.send(from("[::1]:1", request)).await;
    watched.get("/refuses").await;
    let rows = watched.sinks.rows().await;
    assert_eq!(rows[0].path.as_ref().unwrap().len(), 16);
    assert_eq!(rows[0].user_agent.as_ref().unwrap().len(), 16);
    assert_eq!(rows[0].request_headers[0].1.len(), 16);
    assert_eq!(rows[1].error.as_deref(), Some("no room for toys"));
    let spans = watched.sinks.spans().await;
    let error = spans.iter().find(|span| span.name == "refuses").unwrap();
    assert_eq!(error.error.as_deref(), Some("no room for toys"));
}

async fn client(toml: &str, peer: &str, forwarded_for: &str) -> Option<String> {
    let watched = watch(toml, app()).await;
    let request = Request::get("/").header("x-forwarded-for", forwarded_for);
    watched.send(from(peer, request)).await;
    watched.row().await.client_ip
}

#[tokio::test]
async fn forwarded_address_only_from_trusted_proxies() {
    let trusting = "[http]\ntrusted_proxies = [\"10.0.0.0/8\"]";
    for (toml, peer, forwarded_for, expected) in [
        ("", "10.0.0.1:80", "203.0.113.9", "10.0.0.1"),
        (trusting, "10.0.0.1:80", "203.0.113.9", "203.0.113.9"),
        (trusting, "198.51.100.7:80", "203.0.113.9", "198.51.100.7"),
        (
            trusting,
            "10.0.0.1:80",
            "6.6.6.6, 203.0.113.9, 10.9.9.9",
            "203.0.113.9",
        ),
        (
            trusting,
            "[::ffff:10.0.0.1]:80",
            "203.0.113.9",
            "203.0.113.9",
        ),
    ] {
        let found = client(toml, peer, forwarded_for).await;
        assert_eq!(found.as_deref(), Some(expected), "{peer} {forwarded_for}");
    }
}

#[tokio::test]
async fn address_shortened_hashed_or_unknown() {
    let with = |mode: &str| format!("[capture]\nclient_address = \"{mode}\"");
    let found = client(&with("truncated"), "198.51.100.7:80", "").await;
    assert_eq!(found.as_deref(), Some("198.51.100.0"));
    let found = client(&with("hashed"), "198.51.100.7:80", "")
        .await
        .unwrap();
    assert_eq!(found.len(), 16);
    assert_eq!(client(&with("off"), "198.51.100.7:80", "").await, None);
    let watched = watch("", app()).await;
    watched.get("/").await;
    assert_eq!(watched.row().await.client_ip, None);
}

#[tokio::test]
async fn hashed_address_is_nowhere_in_full() {
    let watched = watch("[capture]\nclient_address = \"hashed\"", app()).await;
    let request = || from("198.51.100.7:1234", Request::get("/"));
    watched.send(request()).await;
    watched.send(request()).await;
    let rows = watched.sinks.rows().await;
    assert_eq!(rows[0].client_ip, rows[1].client_ip);
    let all = format!("{rows:?} {:?}", watched.sinks.spans().await);
    assert!(!all.contains("198.51.100"), "{all}");
}

async fn upload(watched: &Watched, request: http::request::Builder, body: Body) -> u64 {
    watched.send(request.body(body).unwrap()).await;
    watched.sinks.rows().await.last().unwrap().request_bytes
}

#[tokio::test]
async fn request_bytes_announced_or_counted() {
    let watched = watch("", app()).await;
    let announced = Request::post("/upload").header("content-length", 5);
    assert_eq!(upload(&watched, announced, "12345".into()).await, 5);
    let stream = futures_util::stream::iter(["123", "4567"].map(Ok::<_, std::io::Error>));
    let chunked = Request::post("/upload");
    assert_eq!(
        upload(&watched, chunked, Body::from_stream(stream)).await,
        7
    );
    assert_eq!(
        upload(&watched, Request::post("/upload"), Body::empty()).await,
        0
    );
}
