//! The attributes of the server's span, by OpenTelemetry's conventions for HTTP, version 1.44:
//! <https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md>
//!
//! Every case compares all of them, so that what must be absent is checked too.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::request::Builder;
use axum::http::{Request, StatusCode, Version};
use axum::routing::{any, get};
use detective::testing::{self, SpanKind};
use http_body_util::BodyExt;
use tower::ServiceExt;

fn app() -> Router {
    let status = |status: StatusCode| any(move || async move { status });
    Router::new()
        .route("/users/{id}", any(async || "user 7"))
        .route("/missing", status(StatusCode::NOT_FOUND))
        .route("/slow-client", status(StatusCode::REQUEST_TIMEOUT))
        .route("/broken", status(StatusCode::INTERNAL_SERVER_ERROR))
        .route("/away", status(StatusCode::SERVICE_UNAVAILABLE))
        .route("/moved", status(StatusCode::FOUND))
        .route(
            "/panic",
            get(async || -> StatusCode { panic!("it is broken") }),
        )
        .route("/never", get(std::future::pending::<StatusCode>))
        .route(
            "/endless",
            get(async || {
                Body::from_stream(futures_util::stream::repeat_with(|| {
                    Ok::<_, std::io::Error>(Bytes::from_static(b"more"))
                }))
            }),
        )
        .route(
            "/cut-off",
            get(async || {
                Body::from_stream(futures_util::stream::iter([
                    Ok(Bytes::from_static(b"some")),
                    Err(std::io::Error::other("no more")),
                ]))
            }),
        )
        .route(
            "/labelled",
            get(async || ([("x-request-id", "7"), ("set-cookie", "secret")], "")),
        )
        .nest(
            "/api",
            Router::new().route("/{name}", get(async || "nested")),
        )
}

/// What the client does with the answer.
#[derive(Clone, Copy)]
enum Client {
    /// Reads all of it.
    Reads,
    /// Hangs up after the first piece.
    HangsUp,
    /// Does not wait for the head.
    HangsUpAtOnce,
}

/// Sends a request to the application under the settings of `toml`; its server span, written down
/// with its attributes in order of their names, is `expected`.
#[track_caller]
fn check(toml: &str, client: Client, request: Builder, expected: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let shown = runtime.unwrap().block_on(server_span(
        toml,
        client,
        request.body(Body::empty()).unwrap(),
    ));
    assert_eq!(shown, expected);
}

async fn server_span(toml: &str, client: Client, request: Request<Body>) -> String {
    let (detective, sinks) = testing::start(toml).await.unwrap();
    let app = detective.watch(app());
    let answer = tokio::spawn(async move {
        let answer = app.oneshot(request);
        match client {
            Client::Reads => drop(answer.await.unwrap().into_body().collect().await),
            Client::HangsUp => drop(answer.await.unwrap().into_body().frame().await),
            Client::HangsUpAtOnce => {
                drop(tokio::time::timeout(Duration::from_millis(5), answer).await)
            }
        }
    });
    // A panic of the handler ends the task, as it ends a connection.
    let _panicked = answer.await;

    let spans = sinks.spans().await;
    let Some(span) = spans.iter().find(|span| span.kind == SpanKind::Server) else {
        return format!("NO SPAN {:?}\n", sinks.rows().await);
    };
    let mut lines: Vec<_> = span
        .attributes
        .iter()
        .filter(|(key, _)| !key.starts_with("detective."))
        .map(|(key, value)| format!("  {key}={value}\n"))
        .collect();
    lines.sort();
    let error = span
        .error
        .as_ref()
        .map(|description| format!(" !{description}"));
    format!(
        "{}{}\n{}",
        span.name,
        error.unwrap_or_default(),
        lines.concat()
    )
}

fn from(peer: &str) -> impl FnOnce(Builder) -> Builder {
    let peer: SocketAddr = peer.parse().unwrap();
    move |request| request.extension(ConnectInfo(peer))
}

#[test]
fn print_all() {
    let show = |title: &str, toml: &str, client: Client, request: Builder| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let shown = runtime.unwrap().block_on(server_span(
            toml,
            client,
            request.body(Body::empty()).unwrap(),
        ));
        println!("## {title}\n{shown}");
    };
    use Client::*;
    show("plain", "", Reads, Request::get("/users/7?token=secret"));
    show("nested", "", Reads, Request::get("/api/x"));
    show("unmatched", "", Reads, Request::get("/nowhere/7"));
    show("unmatched post", "", Reads, Request::post("/nowhere/7"));
    show("wrong method", "", Reads, Request::post("/panic"));
    show(
        "unknown method",
        "",
        Reads,
        Request::builder().method("BREW").uri("/users/7"),
    );
    show(
        "lower case",
        "",
        Reads,
        Request::builder().method("get").uri("/users/7"),
    );
    show(
        "unknown unmatched",
        "",
        Reads,
        Request::builder().method("BREW").uri("/nowhere"),
    );
    show(
        "query method",
        "",
        Reads,
        Request::builder().method("QUERY").uri("/users/7"),
    );
    show("404", "", Reads, Request::get("/missing"));
    show("408", "", Reads, Request::get("/slow-client"));
    show("302", "", Reads, Request::get("/moved"));
    show("500", "", Reads, Request::get("/broken"));
    show("503", "", Reads, Request::get("/away"));
    show("panic", "", Reads, Request::get("/panic"));
    show("head", "", Reads, Request::head("/users/7"));
    show("endless", "", HangsUp, Request::get("/endless"));
    show("never", "", HangsUpAtOnce, Request::get("/never"));
    show("cutoff", "", Reads, Request::get("/cut-off"));
    show(
        "query",
        "capture.query = [\"page\", \"sig\", \"empty\"]",
        Reads,
        Request::get("/users/7?page=2&token=secret&sig=abc&empty&page=3"),
    );
    show(
        "query all",
        "capture.query = [\"*\"]",
        Reads,
        Request::get("/users/7?page=2&X-Amz-Signature=abc&x-amz-signature=abc&AWSAccessKeyId=1&"),
    );
    show(
        "query none allowed",
        "capture.query = [\"page\"]",
        Reads,
        Request::get("/users/7?token=secret"),
    );
    show(
        "host",
        "",
        Reads,
        Request::get("/users/7").header("host", "shop.example:8443"),
    );
    show(
        "host no port",
        "",
        Reads,
        Request::get("/users/7").header("host", "shop.example"),
    );
    show(
        "host v6",
        "",
        Reads,
        Request::get("/users/7").header("host", "[2001:db8::1]:8080"),
    );
    show(
        "host v6 no port",
        "",
        Reads,
        Request::get("/users/7").header("host", "[2001:db8::1]"),
    );
    show(
        "absolute",
        "",
        Reads,
        Request::get("http://shop.example:81/users/7").header("host", "other.example"),
    );
    show(
        "h2",
        "",
        Reads,
        Request::get("https://shop.example:81/users/7").version(Version::HTTP_2),
    );
    show(
        "h1.0",
        "",
        Reads,
        Request::get("/users/7").version(Version::HTTP_10),
    );
    show(
        "ua",
        "",
        Reads,
        Request::get("/users/7").header("user-agent", "curl/8.1"),
    );
    show(
        "headers",
        "capture.request_headers = [\"Accept-Language\", \"authorization\"]\ncapture.response_headers = [\"x-request-id\", \"set-cookie\"]",
        Reads,
        Request::get("/labelled")
            .header("accept-language", "de")
            .header("accept-language", "en")
            .header("authorization", "secret"),
    );
    show(
        "direct",
        "",
        Reads,
        from("203.0.113.9:4711")(
            Request::get("/users/7")
                .header("x-forwarded-for", "198.51.100.1")
                .header("x-forwarded-proto", "https"),
        ),
    );
    show(
        "proxied",
        "http.trusted_proxies = [\"10.0.0.0/8\"]",
        Reads,
        from("10.0.0.1:4711")(
            Request::get("/users/7")
                .header("x-forwarded-for", "6.6.6.6, 198.51.100.1:99")
                .header("x-forwarded-proto", "https"),
        ),
    );
    show(
        "forwarded",
        "http.trusted_proxies = [\"10.0.0.0/8\"]",
        Reads,
        from("10.0.0.1:4711")(
            Request::get("/users/7").header("forwarded", "for=198.51.100.1;proto=https"),
        ),
    );
    show(
        "v6",
        "",
        Reads,
        from("[::ffff:10.0.0.1]:4711")(Request::get("/users/7")),
    );
    show(
        "path off",
        "capture.path = false\ncapture.client_address = \"off\"",
        Reads,
        from("10.0.0.1:4711")(Request::get("/users/7")),
    );
    show("options", "", Reads, Request::options("*"));
}
