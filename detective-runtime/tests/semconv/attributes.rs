//! Tests single attributes: their values, and when they are absent.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::{Request, Version};

use crate::{check_attributes, text};

#[tokio::test]
async fn query_by_allow_list_without_signatures() {
    for (allowed, query, expected) in [
        (
            r#""page", "sig", "empty""#,
            "page=2&token=secret&sig=abc&empty&page=3",
            Some("page=2&sig=REDACTED&empty&page=3"),
        ),
        (r#""page""#, "token=secret", None),
        ("", "page=2", None),
        (
            r#""*""#,
            "X-Amz-Signature=a&X-Amz-Credential=b&X-Amz-Security-Token=c",
            Some(
                "X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED",
            ),
        ),
        (
            r#""*""#,
            "AWSAccessKeyId=a&Signature=b&X-Goog-Signature=c",
            Some("AWSAccessKeyId=REDACTED&Signature=REDACTED&X-Goog-Signature=REDACTED"),
        ),
        // The names are case-sensitive.
        (r#""*""#, "signature=b", Some("signature=b")),
    ] {
        let toml = format!("capture.query = [{allowed}]");
        let request = Request::get(format!("/users/7?{query}"));
        check_attributes(
            &toml,
            request,
            &[
                ("url.query", expected.map(|query| format!("{query:?}"))),
                ("url.path", text("/users/7")),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn host_is_split_into_address_and_port() {
    for (host, address, port) in [
        ("shop.example", "shop.example", None),
        ("shop.example:8443", "shop.example", Some(8443)),
        ("203.0.113.9:80", "203.0.113.9", Some(80)),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1]:8080", "2001:db8::1", Some(8080)),
        ("alice:hunter2@shop.example", "shop.example", None),
        ("alice@[2001:db8::1]:8080", "2001:db8::1", Some(8080)),
    ] {
        let request = Request::get("/users/7").header("host", host);
        check_attributes(
            "",
            request,
            &[
                ("server.address", text(address)),
                ("server.port", port.map(|port| port.to_string())),
            ],
        )
        .await;
    }
    // The request line has precedence over the header.
    let request = Request::get("http://alice:hunter2@shop.example:81/users/7")
        .header("host", "other.example");
    check_attributes(
        "",
        request,
        &[
            ("server.address", text("shop.example")),
            ("server.port", Some("81".into())),
        ],
    )
    .await;
}

#[tokio::test]
async fn protocol_versions() {
    for (version, expected) in [
        (Version::HTTP_10, "1.0"),
        (Version::HTTP_11, "1.1"),
        (Version::HTTP_2, "2"),
        (Version::HTTP_3, "3"),
    ] {
        let request = Request::get("/users/7").version(version);
        check_attributes(
            "",
            request,
            &[
                ("network.protocol.version", text(expected)),
                ("network.protocol.name", None),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn user_agent_unless_it_is_turned_off() {
    let request = || Request::get("/users/7").header("user-agent", "curl/8.1");
    check_attributes("", request(), &[("user_agent.original", text("curl/8.1"))]).await;
    check_attributes(
        "capture.user_agent = false",
        request(),
        &[("user_agent.original", None)],
    )
    .await;
}

#[tokio::test]
async fn captured_headers_are_lists_under_their_own_names() {
    let toml = r#"
        capture.request_headers = ["Accept-Language", "x_under", "absent", "authorization"]
        capture.response_headers = ["x-request-id", "set-cookie"]
    "#;
    let request = Request::get("/labelled")
        .header("accept-language", "de")
        .header("accept-language", "en")
        .header("x_under", "1")
        .header("authorization", "secret");
    check_attributes(
        toml,
        request,
        &[
            (
                "http.request.header.accept-language",
                Some(r#"["de", "en"]"#.into()),
            ),
            ("http.request.header.x_under", Some(r#"["1"]"#.into())),
            ("http.request.header.absent", None),
            ("http.request.header.authorization", None),
            ("http.response.header.x-request-id", Some(r#"["7"]"#.into())),
            ("http.response.header.set-cookie", None),
        ],
    )
    .await;
}

#[tokio::test]
async fn client_and_scheme_behind_proxies() {
    let (stranger, proxy) = ("203.0.113.9:4711", "10.0.0.1:4711");
    let (by, to, proto) = ("forwarded", "x-forwarded-for", "x-forwarded-proto");

    check_client(stranger, &[], "203.0.113.9", "http").await;
    check_client(
        stranger,
        &[(to, "198.51.100.1"), (proto, "https")],
        "203.0.113.9",
        "http",
    )
    .await;
    check_client(
        stranger,
        &[(by, "for=198.51.100.1;proto=https")],
        "203.0.113.9",
        "http",
    )
    .await;

    let forged = "6.6.6.6, 198.51.100.1:99";
    check_client(
        proxy,
        &[(to, forged), (proto, "https")],
        "198.51.100.1",
        "https",
    )
    .await;
    // The client may send a list; the proxy appends to it.
    check_client(proxy, &[(proto, "https, http")], "10.0.0.1", "http").await;
    check_client(proxy, &[(proto, "http, HTTPS")], "10.0.0.1", "https").await;
    let two = "for=198.51.100.1;proto=https, for=10.0.0.2;proto=http";
    check_client(proxy, &[(by, two)], "198.51.100.1", "https").await;
    check_client(
        proxy,
        &[(by, "for=\"[2001:db8::1]:99\"")],
        "2001:db8::1",
        "http",
    )
    .await;
    check_client(
        "[::ffff:10.0.0.1]:4711",
        &[(proto, "https")],
        "10.0.0.1",
        "https",
    )
    .await;
}

/// A request from `peer` with these headers; 10.0.0.0/8 is trusted.
async fn check_client(peer: &str, headers: &[(&str, &str)], client: &str, scheme: &str) {
    let peer: SocketAddr = peer.parse().unwrap();
    let mut request = Request::get("/users/7").extension(ConnectInfo(peer));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let expected = [
        ("client.address", text(client)),
        ("client.port", None),
        ("url.scheme", text(scheme)),
        (
            "network.peer.address",
            text(&peer.ip().to_canonical().to_string()),
        ),
        ("network.peer.port", Some(peer.port().to_string())),
    ];
    check_attributes(
        "http.trusted_proxies = [\"10.0.0.0/8\"]",
        request,
        &expected,
    )
    .await;
}

#[tokio::test]
async fn scheme_in_the_request_counts_where_no_proxy_says_more() {
    let trusted = "http.trusted_proxies = [\"10.0.0.0/8\"]";
    let proxy: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    let request = || Request::get("https://shop.example/users/7").version(Version::HTTP_2);
    check_attributes("", request(), &[("url.scheme", text("https"))]).await;
    let behind = request()
        .extension(ConnectInfo(proxy))
        .header("x-forwarded-proto", "http");
    check_attributes(trusted, behind, &[("url.scheme", text("http"))]).await;
}
