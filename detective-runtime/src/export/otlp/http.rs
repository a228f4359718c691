//! OTLP over HTTP: protobuf in POST requests.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::answer::{ANSWER_BYTES, Answer, of_http_status, printable};
use super::connect::{Client, Connector, client, innermost};
use super::delivery::Transport;
use super::response::{PartialSuccess, Status};

/// Most bytes that are read of an error, and the longest wait for them.
const ERROR_BYTES: usize = 4 << 10;
const ERROR_WAIT: Duration = Duration::from_secs(1);

const PROTOBUF: &str = "application/x-protobuf";

/// Sends messages by HTTP.
#[derive(Debug)]
pub(super) struct HttpTransport {
    client: Client<Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    gzip: bool,
}

impl HttpTransport {
    pub(super) fn new(
        connector: Connector,
        endpoint: &Uri,
        mut headers: HeaderMap,
        gzip: bool,
    ) -> Self {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        headers.remove(header::CONTENT_ENCODING);
        if gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(value) = connector.proxy_authorization() {
            headers.insert(header::PROXY_AUTHORIZATION, value);
        }
        Self {
            client: client(connector, false),
            uri: with_path(endpoint),
            headers,
            gzip,
        }
    }
}

impl Transport for HttpTransport {
    async fn send(&mut self, message: Bytes) -> Answer {
        let body = match self.gzip.then(|| gzip(&message)) {
            None => message,
            Some(Ok(compressed)) => compressed,
            Some(Err(error)) => return Answer::Refused(format!("cannot compress: {error}")),
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        match self.client.request(request).await {
            Ok(response) => answer(response).await,
            Err(error) if error.is_connect() => Answer::Unreachable(innermost(&error)),
            Err(error) => Answer::Later {
                reason: innermost(&error),
                wait: None,
            },
        }
    }
}

fn gzip(message: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(message.len() / 4), Level::fast());
    encoder.write_all(message)?;
    encoder.finish().map(Bytes::from)
}

/// `http://localhost:4318` means its `/v1/traces`, with or without a `/` at its end. An endpoint with
/// a path or a query is taken as it is: `http://localhost:4318/?` has the path `/`.
fn with_path(endpoint: &Uri) -> Uri {
    let path = match endpoint.path_and_query().map(PathAndQuery::as_str) {
        None | Some("" | "/") => PathAndQuery::from_static("/v1/traces"),
        Some("/?") => PathAndQuery::from_static("/"),
        Some(_) => return endpoint.clone(),
    };
    let mut parts = endpoint.clone().into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).expect("it has scheme and host as before")
}

async fn answer(response: Response<Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    if head.status.is_success() {
        return match read(body, ANSWER_BYTES).await {
            Ok(body) => success(&head.headers, &body),
            Err(Cut { broken: None, .. }) => Answer::too_long(),
            Err(Cut {
                broken: Some(reason),
                ..
            }) => Answer::Later { reason, wait: None },
        };
    }
    let body = match timeout(ERROR_WAIT, read(body, ERROR_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(cut)) => cut.body,
        // The status says enough.
        Err(_) => Bytes::new(),
    };
    let (message, delay) = match media_type(&head.headers) {
        "application/x-protobuf" | "application/protobuf" => {
            let status = Status::read(&body).unwrap_or_default();
            (printable(status.message.as_bytes()), status.retry_delay)
        }
        _ if is_page(&head.headers, &body) => ("a web page".to_owned(), None),
        "application/json" => (
            json_message(&body).unwrap_or_else(|| printable(&body)),
            None,
        ),
        _ => (printable(&body), None),
    };
    let wait = retry_after(&head.headers).or(delay);
    let location = head.headers.get(header::LOCATION);
    let message = match location {
        Some(location) if head.status.is_redirection() => {
            // Its query may repeat a key of ours.
            let shown = location.as_bytes().split(|byte| *byte == b'?').next();
            let shown = printable(shown.unwrap_or_default());
            format!("a redirect to `{shown}`, which is not followed")
        }
        _ => message,
    };
    let reason = match message.as_str() {
        "" => head.status.to_string(),
        message => format!("{}: {message}", head.status),
    };
    of_http_status(head.status, reason, wait)
}

/// The message of `{"message": ".."}`, the JSON form of a status.
fn json_message(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(printable(body.get("message")?.as_str()?.as_bytes()))
}

/// What an answer of success says, if it is one of OTLP.
fn success(headers: &HeaderMap, body: &[u8]) -> Answer {
    let kind = media_type(headers);
    if is_page(headers, body) {
        return Answer::Refused(
            "the answer is a web page, expected that of a collector: look at port and path of \
             `jaeger.endpoint`"
                .to_owned(),
        );
    }
    if body.is_empty() {
        // An empty message is a whole one in every encoding.
        return Answer::Taken(PartialSuccess::default());
    }
    let partial = match kind {
        "application/json" => PartialSuccess::read_json(body),
        "" | "application/x-protobuf" | "application/protobuf" | "application/octet-stream" => {
            PartialSuccess::read(body)
        }
        _ => None,
    };
    match partial {
        Some(mut partial) => {
            partial.message = printable(partial.message.as_bytes());
            Answer::Taken(partial)
        }
        None => Answer::Refused(format!(
            "the answer (`{kind}`) is not one of OTLP: {}",
            printable(body)
        )),
    }
}

fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let begins_with = |text: &str| {
        start
            .get(..text.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
    };
    media_type(headers) == "text/html" || begins_with("<!doctype html") || begins_with("<html")
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim()
}

/// `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let wait = SystemTime::from(date).duration_since(SystemTime::now());
    // A date that is over asks for no wait.
    Some(wait.unwrap_or_default())
}

/// A body that was not read to its end.
struct Cut {
    body: Bytes,
    /// Why the connection broke off; `None`: it is too long.
    broken: Option<String>,
}

/// Reads a body of at most so many bytes.
async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, Cut> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => {
                return Err(Cut {
                    body: read.freeze(),
                    broken: Some(innermost(&error)),
                });
            }
        };
        let room = limit - read.len();
        read.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Err(Cut {
                body: read.freeze(),
                broken: None,
            });
        }
    }
    Ok(read.freeze())
}

/// What an HTTP answer says where one of gRPC was expected.
#[cfg(feature = "otlp-grpc")]
pub(super) async fn unexpected(response: Response<Incoming>) -> Answer {
    // Only over HTTP does an empty success mean that the spans were taken.
    if !response.status().is_success() {
        return answer(response).await;
    }
    let (head, body) = response.into_parts();
    let body = match timeout(ERROR_WAIT, read(body, ERROR_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(cut)) => cut.body,
        Err(_) => Bytes::new(),
    };
    if is_page(&head.headers, &body) {
        return success(&head.headers, &body);
    }
    Answer::Refused(format!(
        "the answer (`{}`, `{}`) is not one of gRPC: {}",
        head.status,
        media_type(&head.headers),
        printable(&body)
    ))
}
