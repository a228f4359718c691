//! Tests bodies that know their length, in one or several pieces.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::get;
use detective::testing::Outcome;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;

use crate::{Watched, request, watch};

/// The result of one poll of a body.
#[derive(Clone)]
enum Step {
    Wait,
    Data(&'static str),
    Trailers,
    Fail,
}

/// A body that announces the length of all its data.
struct Pieces(VecDeque<Step>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(text)) => Poll::Ready(Some(Ok(Frame::data(text.into())))),
            Some(Step::Trailers) => {
                let trailers = HeaderMap::from_iter([(
                    HeaderName::from_static("checksum"),
                    HeaderValue::from_static("7"),
                )]);
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Some(Step::Fail) => Poll::Ready(Some(Err(std::io::Error::other("it broke")))),
            Some(Step::Wait) => {
                task.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let lengths = self.0.iter().map(|step| match step {
            Step::Data(text) => text.len() as u64,
            Step::Wait | Step::Trailers | Step::Fail => 0,
        });
        SizeHint::with_exact(lengths.sum())
    }
}

async fn app(steps: &[Step]) -> Watched {
    let steps = VecDeque::from(steps.to_vec());
    let answer = move || {
        let steps = steps.clone();
        async move { Body::new(Pieces(steps)) }
    };
    watch("", Router::new().route("/", get(answer))).await
}

async fn check(watched: &Watched, outcome: Outcome, bytes: u64) {
    watched.check(&[("/", "GET", Some(200), outcome)]).await;
    assert_eq!(watched.row().await.response_bytes, bytes);
}

#[tokio::test]
async fn all_pieces_arrive_in_order_and_the_length_stays_true() {
    use Step::{Data, Wait};
    for steps in [
        &[Data("abc")][..],
        &[Data("a"), Data("bc")],
        &[Wait, Data("abc")],
        &[Data("ab"), Wait, Data("c")],
    ] {
        let watched = app(steps).await;
        let response = watched.call(request("GET", "/")).await;
        assert_eq!(response.body().size_hint().exact(), Some(3));
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes(), "abc");
        check(&watched, Outcome::Ok, 3).await;
    }
}

#[tokio::test]
async fn client_that_leaves_between_two_pieces() {
    let watched = app(&[Step::Data("ab"), Step::Data("c")]).await;
    let mut response = watched.call(request("GET", "/")).await;
    response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(1));
    drop(response);
    check(&watched, Outcome::ClientDisconnect, 2).await;
}

#[tokio::test]
async fn client_that_leaves_before_the_first_of_two_pieces() {
    let watched = app(&[Step::Data("ab"), Step::Data("c")]).await;
    drop(watched.call(request("GET", "/")).await);
    check(&watched, Outcome::ClientDisconnect, 0).await;
}

#[tokio::test]
async fn body_that_fails_has_failed_when_that_is_passed_on() {
    let watched = app(&[Step::Fail, Step::Data("c")]).await;
    let mut response = watched.call(request("GET", "/")).await;
    watched.check_in_flight(1.0);
    let error = response.body_mut().frame().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "it broke");
    check(&watched, Outcome::ServerError, 0).await;
}

#[tokio::test]
async fn body_that_nobody_reads_was_not_sent() {
    let watched = app(&[Step::Data("abc")]).await;
    let response = watched.call(request("GET", "/")).await;
    watched.check_in_flight(1.0);
    drop(response);
    check(&watched, Outcome::ClientDisconnect, 0).await;
}

#[tokio::test]
async fn trailers_follow_the_last_byte() {
    let watched = app(&[Step::Data("abc"), Step::Trailers]).await;
    let response = watched.call(request("GET", "/")).await;
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["checksum"], "7");
    check(&watched, Outcome::Ok, 3).await;
}
