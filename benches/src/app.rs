//! The application that every contestant instruments: one route with a path extractor and a small JSON answer. And
//! what else is asked of some of them.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path};
use axum::response::IntoResponse;
use futures_util::stream;
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

thread_local! {
    static HANDLED: Cell<u64> = const { Cell::new(0) };
}

/// How many toys this thread was asked for. A client does not know that: when it ends it leaves some answers unread.
pub(crate) fn handled() -> u64 {
    HANDLED.get()
}

/// What every contestant's handler does.
pub(crate) fn toy(id: u64) -> Json<Toy> {
    HANDLED.set(HANDLED.get() + 1);
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

/// A thousand chunks.
pub(crate) fn chunks() -> impl IntoResponse {
    let chunk = || Ok::<_, std::convert::Infallible>(Bytes::from_static(b"a piece of the whole"));
    Body::from_stream(stream::iter(std::iter::repeat_with(chunk).take(1000)))
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scenario {
    /// One toy, again and again.
    Toys,
    /// A handler that calls so many functions, each inside the one before.
    Nested(usize),
    /// A thousand routes in turn.
    Routes,
    /// A body in a thousand chunks.
    Chunks,
}

impl Scenario {
    /// Reads `nested-10`, `routes`, `chunks`.
    pub(crate) fn named(name: &str) -> Self {
        match (name, name.strip_prefix("nested-")) {
            ("toys", _) => Self::Toys,
            ("routes", _) => Self::Routes,
            ("chunks", _) => Self::Chunks,
            (_, Some(depth)) => Self::Nested(depth.parse().expect("the depth is a number")),
            _ => panic!("`{name}` is no scenario; expected `nested-<depth>`, `routes` or `chunks`"),
        }
    }

    /// What is asked for in turn.
    pub(crate) fn uris(self) -> Vec<Uri> {
        let uri = |path: String| path.parse().expect("the path is valid");
        match self {
            Self::Toys => vec![uri("/toys/42".to_owned())],
            Self::Nested(depth) => vec![uri(format!("/nested/{depth}"))],
            Self::Routes => (0..ROUTES)
                .map(|number| uri(format!("/shelf{number}/42")))
                .collect(),
            Self::Chunks => vec![uri("/chunks".to_owned())],
        }
    }

    /// Requests between two pauses; see [`Contestant::round`](crate::contestants::Contestant::round).
    pub(crate) fn round(self) -> usize {
        match self {
            Self::Toys | Self::Routes => 1000,
            Self::Nested(_) | Self::Chunks => 100,
        }
    }
}

/// How many routes [`Scenario::Routes`] has: as many as Detective gives series of their own.
pub(crate) const ROUTES: usize = 1000;

/// The routes of a scenario, made of a contestant's own handlers, since it is these that it instruments.
#[macro_export]
macro_rules! routes {
    ($scenario:expr, $get_toy:path, $get_nested:path, $get_chunks:path) => {
        match $scenario {
            $crate::app::Scenario::Toys => {
                axum::Router::new().route($crate::app::ROUTE, axum::routing::get($get_toy))
            }
            $crate::app::Scenario::Nested(_) => {
                axum::Router::new().route("/nested/{depth}", axum::routing::get($get_nested))
            }
            $crate::app::Scenario::Chunks => {
                axum::Router::new().route("/chunks", axum::routing::get($get_chunks))
            }
            $crate::app::Scenario::Routes => {
                (0..$crate::app::ROUTES).fold(axum::Router::new(), |router, number| {
                    router.route(
                        &format!("/shelf{number}/{{id}}"),
                        axum::routing::get($get_toy),
                    )
                })
            }
        }
    };
}

/// What a browser behind a gateway sends; the trace is sampled.
pub(crate) const HEADERS: [(&str, &str); 7] = [
    ("host", "127.0.0.1"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
    ("accept", "application/json"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br"),
    ("x-request-id", "7d9c1f8e-2f3b-4f6f-9d1a-6f1f3a1b2c3d"),
    (
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
];

/// A request, as hyper would hand it to the router.
pub(crate) fn request(uri: &Uri) -> Request<Body> {
    static HEADER_MAP: LazyLock<HeaderMap> = LazyLock::new(|| {
        HEADERS
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    });
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = HEADER_MAP.clone();
    let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}
