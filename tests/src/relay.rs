//! A service that sends requests to the URLs that its caller names, so that the headers it passes
//! on can be seen.
//!
//! It is the service that the W3C's trace context suite tests
//! (<https://github.com/w3c/trace-context>, folder `test`): a POST of `[{"url": "...", "arguments":
//! [...]}]` makes it POST each `arguments` to its `url`.

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use detective::{client::http::Tracing, investigate};
use reqwest_middleware::ClientWithMiddleware;
use serde_json::Value;

/// The service: `POST /test` relays.
pub fn relay() -> Router {
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(Tracing::new())
        .build();
    Router::new()
        .route("/test", post(call_all))
        .with_state(client)
}

#[investigate]
async fn call_all(
    State(client): State<ClientWithMiddleware>,
    Json(calls): Json<Vec<Value>>,
) -> Result<(), StatusCode> {
    for call in &calls {
        let url = call["url"].as_str().ok_or(StatusCode::BAD_REQUEST)?;
        client
            .post(url)
            .json(&call["arguments"])
            .send()
            .await
            .map_err(|_| StatusCode::BAD_GATEWAY)?;
    }
    Ok(())
}
