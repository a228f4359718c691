//! The application that every contestant instruments: one route with a path extractor and a small JSON answer.

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use serde::Serialize;

/// The route's template.
pub(crate) const ROUTE: &str = "/toys/{id}";

/// The answer.
#[derive(Debug, Serialize)]
pub(crate) struct Toy {
    id: u64,
    name: &'static str,
    price_cents: u32,
}

/// What every contestant's handler does.
pub(crate) fn toy(id: u64) -> Json<Toy> {
    Json(Toy {
        id,
        name: "wooden train",
        price_cents: 1995,
    })
}

/// The handler without any instrumentation.
pub(crate) async fn get_toy(Path(id): Path<u64>) -> Json<Toy> {
    toy(id)
}

/// What a browser behind a gateway sends; the trace is sampled.
pub(crate) const HEADERS: [(&str, &str); 7] = [
    ("host", "127.0.0.1"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "application/json"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br"),
    ("x-request-id", "7d9c1f8e-2f3b-4f6f-9d1a-6f1f3a1b2c3d"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
];

/// A request for the toy, as hyper would hand it to the router.
pub(crate) fn request() -> Request<Body> {
    static URI: LazyLock<Uri> = LazyLock::new(|| Uri::from_static("/toys/42"));
    request_to(&URI)
}

/// As [`request`], to some other path.
pub(crate) fn request_to(uri: &Uri) -> Request<Body> {
    static HEADER_MAP: LazyLock<HeaderMap> = LazyLock::new(|| {
        HEADERS
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    });
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = HEADER_MAP.clone();
    let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}
