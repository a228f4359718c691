//! Shows: a test that asserts on what a request leaves behind. It needs no server and no file.
//!
//! ```console
//! $ cargo test -p small --bin testing
//! ```

use std::error::Error;

use axum::{Router, http::StatusCode, routing::get};
use detective::{Detective, investigate};

#[investigate]
async fn broken() -> Result<&'static str, StatusCode> {
    Err(StatusCode::SERVICE_UNAVAILABLE)
}

fn app() -> Router {
    Router::new().route("/broken", get(broken))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let detective = Detective::start().await?;
    detective.serve(small::listen().await?, app()).await?;
    Ok(())
}

#[cfg(test)]
#[tokio::test]
async fn a_failed_request_leaves_a_row() -> Result<(), Box<dyn Error>> {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use detective::testing;
    use tower::ServiceExt;

    let (detective, sinks) = testing::start("").await?;
    let request = Request::get("/broken").body(Body::empty())?;
    let response = detective.watch(app()).oneshot(request).await?;
    // A request is recorded when its body has ended.
    to_bytes(response.into_body(), usize::MAX).await?;

    let rows = sinks.rows().await;
    assert_eq!(rows[0].endpoint, "/broken");
    assert_eq!(rows[0].status_code, Some(503));
    let failed = r#"http_requests_total{endpoint="/broken",method="GET",status="503"}"#;
    assert_eq!(sinks.metric(failed), Some(1.0));
    Ok(())
}
