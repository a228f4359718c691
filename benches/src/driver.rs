//! Requests in process, one after the other, through the finished router.

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use tower_service::Service;

use crate::app;
use crate::collector::{Collector, Counts};
use crate::contestants::Contestant;

/// Sends `rounds` rounds of requests, and lets the background catch up after each. Answers with what arrived at the
/// contestant's collector, if it has one.
///
/// # Panics
///
/// When a span did not arrive: what the contestant costs would be the cost of something else.
pub(crate) async fn drive(contestant: &mut Contestant, rounds: usize) -> Option<Counts> {
    begin_counting();
    let counts = |contestant: &Contestant| contestant.collector.as_ref().map(Collector::counts);
    let before = counts(contestant);
    for _ in 0..rounds {
        round(contestant).await;
        contestant.settle().await;
    }
    let arrived = counts(contestant)? - before?;
    let requests = (rounds * contestant.round) as u64;
    assert!(
        arrived.spans >= requests && arrived.spans.is_multiple_of(requests),
        "{} spans arrived of {requests} requests",
        arrived.spans
    );
    Some(arrived)
}

/// Where callgrind is told to forget what this thread did before: some libraries measure the clock when the program
/// starts, for as long as that takes.
#[inline(never)]
fn begin_counting() {
    std::hint::black_box(());
}

/// Sends a round of requests.
pub(crate) async fn round(contestant: &mut Contestant) {
    let Contestant {
        app, uris, round, ..
    } = contestant;
    for uri in uris.iter().cycle().take(*round) {
        send(app, app::request(uri)).await;
    }
}

/// Sends one request and reads the answer to its end.
async fn send(app: &mut Router, request: Request<Body>) {
    let Ok(response) = app.call(request).await;
    let status = response.status();
    let mut body = response.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let data = frame.expect("the body is whole").into_data();
        length += data.map_or(0, |data| data.len());
    }
    assert!(
        status.is_success() && length > 0,
        "the request failed: {status}"
    );
}
