//! The spans that a request's calls add to its trace.

#![allow(clippy::unwrap_used, reason = "tests")]

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use tower::ServiceExt;

use crate::Handle;
use crate::testing;
use crate::testing::{Span, SpanKind};

/// The spans below the server's span of a request that does `work`, in the order in which they
/// began. `toml` is the configuration.
pub(crate) async fn spans_of<F>(
    toml: &str,
    work: impl Fn(Handle) -> F + Clone + Send + Sync + 'static,
) -> Vec<Span>
where
    F: Future<Output = ()> + Send,
{
    let (detective, sinks) = testing::start(toml).await.unwrap();
    let handle = detective.handle();
    let handler = move || {
        let (handle, work) = (handle.clone(), work.clone());
        async move { work(handle).await }
    };
    let app = detective.watch(Router::new().route("/", get(handler)));
    let request = Request::get("/").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    let mut spans = sinks.spans().await;
    spans.retain(|span| span.kind != SpanKind::Server);
    spans
}

/// Each span as its name, its error, and its attributes.
pub(crate) fn shown(spans: &[Span]) -> String {
    let mut text = String::new();
    for span in spans {
        text.push_str(&span.name);
        if let Some(error) = &span.error {
            text.push_str(&format!(" !{error}"));
        }
        text.push('\n');
        for (key, value) in &span.attributes {
            text.push_str(&format!("  {key}={value}\n"));
        }
    }
    text
}
