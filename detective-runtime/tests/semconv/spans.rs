//! Tests whole spans, for all kinds of requests and responses. All attributes are compared, so that
//! absent ones are checked too.

use axum::http::Request;

use crate::{Client, check, check_with};

#[tokio::test]
async fn plain_request() {
    check(
        "",
        Request::get("/users/7?token=secret"),
        r#"
GET /users/{id}
  http.request.method="GET"
  http.response.body.size=6
  http.response.status_code=200
  http.route="/users/{id}"
  network.protocol.version="1.1"
  url.path="/users/7"
  url.scheme="http"
"#,
    )
    .await;
}

#[tokio::test]
async fn route_is_the_whole_template_or_absent() {
    check(
        "",
        Request::get("/api/x"),
        r#"
GET /api/{name}
  http.request.method="GET"
  http.response.body.size=6
  http.response.status_code=200
  http.route="/api/{name}"
  network.protocol.version="1.1"
  url.path="/api/x"
  url.scheme="http"
"#,
    )
    .await;
    check(
        "",
        Request::post("/nowhere/7"),
        r#"
POST
  http.request.method="POST"
  http.response.body.size=0
  http.response.status_code=404
  network.protocol.version="1.1"
  url.path="/nowhere/7"
  url.scheme="http"
"#,
    )
    .await;
    check(
        "",
        Request::options("*"),
        r#"
OPTIONS
  http.request.method="OPTIONS"
  http.response.body.size=0
  http.response.status_code=404
  network.protocol.version="1.1"
  url.path="*"
  url.scheme="http"
"#,
    )
    .await;
}

#[tokio::test]
async fn unknown_method() {
    for method in ["BREW", "get"] {
        check(
            "",
            Request::builder().method(method).uri("/users/7"),
            &format!(
                r#"
HTTP /users/{{id}}
  http.request.method="_OTHER"
  http.request.method_original="{method}"
  http.response.body.size=6
  http.response.status_code=200
  http.route="/users/{{id}}"
  network.protocol.version="1.1"
  url.path="/users/7"
  url.scheme="http"
"#
            ),
        )
        .await;
    }
    check(
        "",
        Request::builder().method("BREW").uri("/nowhere"),
        r#"
HTTP
  http.request.method="_OTHER"
  http.request.method_original="BREW"
  http.response.body.size=0
  http.response.status_code=404
  network.protocol.version="1.1"
  url.path="/nowhere"
  url.scheme="http"
"#,
    )
    .await;
    check(
        "http.known_methods = [\"BREW\"]",
        Request::builder().method("BREW").uri("/nowhere"),
        r#"
BREW
  http.request.method="BREW"
  http.response.body.size=0
  http.response.status_code=404
  network.protocol.version="1.1"
  url.path="/nowhere"
  url.scheme="http"
"#,
    )
    .await;
}

#[tokio::test]
async fn head_and_query_are_methods_as_any_other() {
    check(
        "",
        Request::head("/users/7"),
        r#"
HEAD /users/{id}
  http.request.method="HEAD"
  http.response.body.size=0
  http.response.status_code=200
  http.route="/users/{id}"
  network.protocol.version="1.1"
  url.path="/users/7"
  url.scheme="http"
"#,
    )
    .await;
    check(
        "",
        Request::builder().method("QUERY").uri("/users/7"),
        r#"
QUERY /users/{id}
  http.request.method="QUERY"
  http.response.body.size=6
  http.response.status_code=200
  http.route="/users/{id}"
  network.protocol.version="1.1"
  url.path="/users/7"
  url.scheme="http"
"#,
    )
    .await;
}

/// Below 500 the status is unset. From 500 on it is an error, without a description.
#[tokio::test]
async fn status_codes() {
    for status in [200, 204, 302, 400, 404, 408, 429] {
        check(
            "",
            Request::get(format!("/status/{status}")),
            &format!(
                r#"
GET /status/{{code}}
  http.request.method="GET"
  http.response.body.size=0
  http.response.status_code={status}
  http.route="/status/{{code}}"
  network.protocol.version="1.1"
  url.path="/status/{status}"
  url.scheme="http"
"#
            ),
        )
        .await;
    }
    for status in [500, 503, 504, 599] {
        check(
            "",
            Request::get(format!("/status/{status}")),
            &format!(
                r#"
GET /status/{{code}} !
  error.type="{status}"
  http.request.method="GET"
  http.response.body.size=0
  http.response.status_code={status}
  http.route="/status/{{code}}"
  network.protocol.version="1.1"
  url.path="/status/{status}"
  url.scheme="http"
"#
            ),
        )
        .await;
    }
}

#[tokio::test]
async fn panic_sends_no_status_code() {
    check(
        "",
        Request::get("/panic"),
        r#"
GET /panic !
  error.type="panic"
  http.request.method="GET"
  http.route="/panic"
  network.protocol.version="1.1"
  url.path="/panic"
  url.scheme="http"
"#,
    )
    .await;
}

/// A status code that was sent is kept, whatever happens to the body.
#[tokio::test]
async fn answer_that_is_not_sent_in_full() {
    check_with(
        Client::HangsUp,
        "",
        Request::get("/endless"),
        r#"
GET /endless !
  error.type="client_disconnect"
  http.request.method="GET"
  http.response.body.size=4
  http.response.status_code=200
  http.route="/endless"
  network.protocol.version="1.1"
  url.path="/endless"
  url.scheme="http"
"#,
    )
    .await;
    check_with(
        Client::HangsUpAtOnce,
        "",
        Request::get("/never"),
        r#"
GET /never !
  error.type="client_disconnect"
  http.request.method="GET"
  http.route="/never"
  network.protocol.version="1.1"
  url.path="/never"
  url.scheme="http"
"#,
    )
    .await;
    check(
        "",
        Request::get("/cut-off"),
        r#"
GET /cut-off !
  error.type="body"
  http.request.method="GET"
  http.response.body.size=4
  http.response.status_code=200
  http.route="/cut-off"
  network.protocol.version="1.1"
  url.path="/cut-off"
  url.scheme="http"
"#,
    )
    .await;
}
