//! Client spans for outgoing HTTP requests, by OpenTelemetry's conventions 1.44.
//!
//! ```
//! use detective::client::http::Tracing;
//!
//! let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(Tracing::new()).build();
//! ```

use std::error::Error as _;
use std::fmt::Write as _;

use http::Extensions;
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::config;
use crate::export::SpanKind;
use crate::metrics::{OTHER_METHOD, ProtocolVersion};
use crate::propagation::expect_client;
use crate::trace::ClientSpan;

/// A middleware that makes a span for each request, from its start to the head of its response. It adds
/// the headers `traceparent` and `tracestate`, so the spans of the called service join the trace.
///
/// It changes nothing else. If you put it behind a middleware that retries, each try has its own span. A
/// status of 400 or more marks the span as failed. The span never shows credentials or the values of the
/// query.
#[derive(Debug, Clone, Copy)]
pub struct Tracing(());

impl Tracing {
    /// Makes the middleware. Make it before you serve: Detective passes on the trace headers of requests
    /// that are not recorded only after this call.
    pub fn new() -> Self {
        expect_client();
        Self(())
    }
}

impl Default for Tracing {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait::async_trait]
impl Middleware for Tracing {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let mut span = start_span(&request);
        span.inject(request.headers_mut());
        let outcome = next.run(request, extensions).await;
        if span.is_recording() {
            match &outcome {
                Ok(response) => mark_response(&mut span, response),
                Err(error) => span.fail(error_type(error), message(error)),
            }
        }
        outcome
    }
}

fn start_span(request: &Request) -> ClientSpan {
    let method = known_method(request.method().as_str());
    // The conventions have no route for a client, and a path is not a suitable name.
    let name = if method == OTHER_METHOD {
        "HTTP"
    } else {
        method
    };
    let mut span = ClientSpan::start(name, SpanKind::Client);
    if span.is_recording() {
        span.set("http.request.method", method);
        if method == OTHER_METHOD {
            span.set(
                "http.request.method_original",
                request.method().as_str().to_owned(),
            );
        }
        let url = request.url();
        span.set("url.full", redacted(url));
        if let Some(host) = url.host_str() {
            span.set("server.address", host.trim_matches(['[', ']']).to_owned());
        }
        if let Some(port) = url.port_or_known_default() {
            span.set("server.port", port);
        }
    }
    span
}

/// The methods that OpenTelemetry knows, and one value for all others.
fn known_method(method: &str) -> &'static str {
    config::Http::KNOWN_METHODS
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or(OTHER_METHOD)
}

fn mark_response(span: &mut ClientSpan, response: &Response) {
    let status = response.status();
    span.set("http.response.status_code", status.as_u16());
    if let Some(version) = ProtocolVersion::from(response.version()).as_str() {
        span.set("network.protocol.version", version);
    }
    if status.is_client_error() || status.is_server_error() {
        // The description stays empty, because the status code says everything.
        span.fail(status.as_str().to_owned(), String::new());
    }
}

/// What stands in for what must not be shown, as the conventions write it.
const REDACTED: &str = "REDACTED";

/// `url` without user and password, without the values of its query, and without its fragment,
/// which is never sent.
fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    if !url.username().is_empty() {
        // A URL that has a user accepts another one.
        let _ = shown.set_username(REDACTED);
    }
    if url.password().is_some() {
        let _ = shown.set_password(Some(REDACTED));
    }
    shown.set_fragment(None);
    if let Some(query) = url.query() {
        let mut names = String::with_capacity(query.len());
        for pair in query.split('&') {
            if !names.is_empty() {
                names.push('&');
            }
            match pair.split_once('=') {
                Some((name, _)) => {
                    let _ = write!(names, "{name}={REDACTED}");
                }
                // A query need not contain names, so this may be a value.
                None => names.push_str(if pair.is_empty() { "" } else { REDACTED }),
            }
        }
        shown.set_query(Some(&names));
    }
    shown.into()
}

/// A short, stable value for the class of `error`.
fn error_type(error: &Error) -> &'static str {
    match error {
        Error::Middleware(_) => "middleware",
        Error::Reqwest(error) if error.is_timeout() => "timeout",
        Error::Reqwest(error) if error.is_connect() => "connect",
        Error::Reqwest(error) if error.is_redirect() => "redirect",
        Error::Reqwest(error) if error.is_body() => "body",
        Error::Reqwest(error) if error.is_builder() => "builder",
        Error::Reqwest(_) => "request",
    }
}

/// The text of `error` without the URL. reqwest's own text shows all of it.
fn message(error: &Error) -> String {
    match error {
        Error::Middleware(_) => "a middleware failed".to_owned(),
        Error::Reqwest(error) => {
            let mut text = error_type_text(error).to_owned();
            let mut source = error.source();
            while let Some(cause) = source {
                let _ = write!(text, ": {cause}");
                source = cause.source();
            }
            text
        }
    }
}

fn error_type_text(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "the request timed out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the request failed"
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use axum::Router;
    use axum::routing::get;
    use reqwest_middleware::ClientBuilder;

    use super::*;
    use crate::client::testing::{shown, spans_of};

    /// The address of a server that answers with the `traceparent` it received, and an address
    /// without a server.
    async fn servers() -> (std::net::SocketAddr, std::net::SocketAddr) {
        let app = Router::new()
            .route("/", get(|uri: http::Uri| async move { uri.to_string() }))
            .route("/tea", get(|| async { http::StatusCode::IM_A_TEAPOT }))
            .route(
                "/trace",
                get(|headers: http::HeaderMap| async move {
                    headers["traceparent"].to_str().unwrap().to_owned()
                }),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        (here, listener.local_addr().unwrap())
    }

    fn client() -> reqwest_middleware::ClientWithMiddleware {
        ClientBuilder::new(reqwest::Client::new())
            .with(Tracing::new())
            .build()
    }

    #[tokio::test]
    async fn each_request_is_a_span_that_the_callee_joins() {
        let (here, nowhere) = servers().await;
        let traceparent = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let seen = std::sync::Arc::clone(&traceparent);
        let spans = spans_of("", move |_| {
            let seen = std::sync::Arc::clone(&seen);
            async move {
                let get = |url: String| client().get(url).send();
                let response = get(format!("http://{here}/trace?token=secret")).await;
                *seen.lock().unwrap() = response.unwrap().text().await.unwrap();
                get(format!("http://{here}/tea")).await.unwrap();
                get(format!("http://{nowhere}/")).await.unwrap_err();
            }
        });
        let spans = spans.await;
        let expected = format!("00-{:032x}-{:016x}-03", spans[0].trace_id, spans[0].span_id);
        assert_eq!(*traceparent.lock().unwrap(), expected);
        let port = here.port();
        assert_eq!(
            shown(&spans[..2]),
            format!(
                r#"GET
  http.request.method="GET"
  url.full="http://127.0.0.1:{port}/trace?token=REDACTED"
  server.address="127.0.0.1"
  server.port={port}
  http.response.status_code=200
  network.protocol.version="1.1"
GET !
  error.type="418"
  http.request.method="GET"
  url.full="http://127.0.0.1:{port}/tea"
  server.address="127.0.0.1"
  server.port={port}
  http.response.status_code=418
  network.protocol.version="1.1"
"#
            )
        );
        assert!(
            spans[2]
                .error
                .as_ref()
                .unwrap()
                .starts_with("no connection: ")
        );
        assert_eq!(spans[2].attribute("error.type"), Some(&"connect".into()));
    }

    #[test]
    fn credentials_and_query_values_are_not_shown() {
        let check =
            |url: &str, expected: &str| assert_eq!(redacted(&url.parse().unwrap()), expected);
        check("http://host/path", "http://host/path");
        check(
            "https://me:secret@host:8443/a/b?x=1&token=abc#top",
            "https://REDACTED:REDACTED@host:8443/a/b?x=REDACTED&token=REDACTED",
        );
        check("http://me@host/", "http://REDACTED@host/");
        check("http://host/?", "http://host/?");
        check("http://host/?secret", "http://host/?REDACTED");
        check(
            "http://host/?a=b=c&&d=",
            "http://host/?a=REDACTED&&d=REDACTED",
        );
    }

    #[test]
    fn methods_are_finite() {
        let check = |method: &str, expected: &str| assert_eq!(known_method(method), expected);
        check("GET", "GET");
        check("QUERY", "QUERY");
        check("get", "_OTHER");
        check("BREW", "_OTHER");
    }

    #[tokio::test]
    async fn requests_and_responses_pass_unchanged() {
        let (here, _) = servers().await;
        let client = client();
        let response = client
            .get(format!("http://{here}/?a=b"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.text().await.unwrap(), "/?a=b");
        let response = client
            .get(format!("http://{here}/tea"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 418);
    }

    #[tokio::test]
    async fn a_failure_is_described_without_its_address() {
        let (_, nowhere) = servers().await;
        let error = client()
            .get(format!("http://{nowhere}/?token=secret"))
            .send()
            .await
            .unwrap_err();
        assert_eq!(error_type(&error), "connect");
        let message = message(&error);
        assert!(message.starts_with("no connection: "), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}
