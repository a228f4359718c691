//! Requests in process, one after the other, through the finished router.

use axum::body::Body;
use axum::Router;
use http::Request;
use http_body_util::BodyExt;
use tower_service::Service;

use crate::app;
use crate::contestants::Contestant;

/// Requests between two pauses, in which the background catches up, so that no queue overflows and each batch is as
/// large as it would be on a busy server.
pub(crate) const ROUND: usize = 1000;

/// Sends one request and reads the answer to its end.
pub(crate) async fn send(app: &mut Router, request: Request<Body>) {
    let Ok(response) = app.call(request).await;
    let status = response.status();
    let body = response.into_body().collect().await;
    let bytes = body.map_or(0, |body| body.to_bytes().len());
    assert!(status.is_success() && bytes > 0, "the request failed: {status}");
}

/// Sends `rounds` times [`ROUND`] requests.
pub(crate) async fn drive(contestant: &mut Contestant, rounds: usize) {
    for _ in 0..rounds {
        round(contestant).await;
        contestant.settle().await;
    }
}

/// Sends [`ROUND`] requests.
pub(crate) async fn round(contestant: &mut Contestant) {
    for _ in 0..ROUND {
        send(&mut contestant.app, app::request()).await;
    }
}
