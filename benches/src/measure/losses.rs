//! Requests without a pause, faster than spans can be sent: each span has to arrive, or to be counted as dropped.

use axum::body::Body;
use http::Uri;
use http_body_util::BodyExt;
use tower_service::Service;

use super::dropped::Dropped;
use super::numbers;
use crate::app;
use crate::contestants::{Contestant, build};
use crate::driver::{drive, round};

const ROUNDS: usize = 100;

/// Spans, none of which may be missing without a word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Losses {
    pub(crate) sent: f64,
    pub(crate) arrived: f64,
    /// Those of which the contestant says that it dropped them.
    pub(crate) counted: f64,
}

pub(crate) fn measure(name: &str) -> Losses {
    let numbers = numbers(["losses", name]);
    Losses {
        sent: numbers[0],
        arrived: numbers[1],
        counted: numbers[2],
    }
}

/// Prints how many spans there were, how many arrived, and how many the contestant counted as dropped.
pub(crate) async fn run(name: &str) {
    let mut contestant = build(name).await;
    let arrived = drive(&mut contestant, 1)
        .await
        .unwrap_or_else(|| panic!("`{name}` sends nothing; `{name}+otlp` may"));
    let spans_of_request = arrived.spans as f64 / contestant.round as f64;
    for _ in 0..ROUNDS {
        round(&mut contestant).await;
    }
    contestant.settle().await;
    let requests = ((ROUNDS + 1) * contestant.round) as f64;
    let arrived = contestant.collector.as_ref().map(|it| it.counts().spans);
    let dropped = Dropped::read(&metrics(&mut contestant).await);
    println!(
        "{} {} {}",
        requests * spans_of_request,
        arrived.unwrap_or_default(),
        dropped.map_or(0.0, |dropped| dropped.spans(spans_of_request))
    );
}

async fn metrics(contestant: &mut Contestant) -> String {
    let Ok(response) = contestant
        .app
        .call(app::request(&Uri::from_static("/metrics")))
        .await;
    let body: Body = response.into_body();
    let bytes = body.collect().await.map(|it| it.to_bytes());
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}
