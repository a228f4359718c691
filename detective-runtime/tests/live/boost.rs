//! Tests boosts.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Live;

const NOTHING: &str = "[tracing]\nsample = 0.0\n[routes.\"/toys/{id}\"]\nsample = 0.0\n";

async fn boost(live: &Live, json: Value) -> Value {
    let (status, answer) = live
        .send(Method::POST, "/analytics/boost", &json.to_string())
        .await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    answer
}

#[track_caller]
fn assert_refused((status, answer): (StatusCode, Value), expected: &str) {
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert_eq!(answer, json!({ "detail": expected }));
}

#[tokio::test]
async fn a_boost_wins_over_every_rule_until_it_is_ended() {
    let live = Live::start(NOTHING).await;
    for target in [
        json!({"route": "/toys/*"}),
        json!({"function": "live::get_*"}),
    ] {
        assert_eq!(live.traces_of_a_toy().await, 0);
        let answer = boost(&live, target.clone()).await;
        assert_eq!(live.traces_of_a_toy().await, 1, "{target}");

        let list = live.get("/analytics/boost").await;
        assert_eq!(list.as_array().unwrap().len(), 1);
        assert_eq!(list[0]["sample"], 1.0);
        assert!(list[0]["seconds_left"].as_f64().unwrap() > 500.0, "{list}");
        assert_eq!(list[0]["until"], answer["until"]);

        let path = format!("/analytics/boost/{}", answer["id"]);
        let ended = live.send(Method::DELETE, &path, "").await;
        assert_eq!(ended, (StatusCode::OK, json!({"ended": 1})));
    }
    assert_eq!(live.traces_of_a_toy().await, 0);
    assert_eq!(live.get("/analytics/boost").await, json!([]));
}

#[tokio::test]
async fn a_boost_reverts_by_itself() {
    let live = Live::start(NOTHING).await;
    boost(&live, json!({"route": "/toys/{id}", "for": "1h"})).await;
    boost(
        &live,
        json!({"route": "/toys/{id}", "record": false, "for": "200ms"}),
    )
    .await;
    let end = Instant::now() + Duration::from_secs(10);
    while live.get("/analytics/boost").await.as_array().unwrap().len() > 1 {
        assert!(Instant::now() < end, "the boost did not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rows = live.sinks.rows().await.len();
    assert_eq!(live.traces_of_a_toy().await, 1, "the other one holds");
    assert_eq!(live.sinks.rows().await.len(), rows + 1);
    let all = live.send(Method::DELETE, "/analytics/boost", "").await;
    assert_eq!(all, (StatusCode::OK, json!({"ended": 1})));
}

#[tokio::test]
async fn a_boost_outlives_a_reload() {
    let live = Live::start(NOTHING).await;
    boost(&live, json!({"route": "/toys/{id}"})).await;
    live.change(&format!("{NOTHING}slow = \"5s\"\n"))
        .await
        .unwrap();
    assert_eq!(live.traces_of_a_toy().await, 1);
}

#[tokio::test]
async fn refusals_say_what_was_expected() {
    let live = Live::start(NOTHING).await;
    let post = async |json: &str| live.send(Method::POST, "/analytics/boost", json).await;
    assert_refused(
        post(r#"{"route": "/toys/{id}", "sample": 2}"#).await,
        "`sample` is `2`, expected a number from 0.0 to 1.0",
    );
    assert_refused(
        post("[]").await,
        "the body is not an object, expected an object such as {\"route\": \"/checkout/{id}\", \
         \"sample\": 1.0, \"for\": \"10m\"}",
    );
    let (status, answer) = post("{").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let detail = answer["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("the body is not JSON (EOF while parsing"),
        "{detail}"
    );

    let (_, answer) = post(r#"{"function": "live::get_toys"}"#).await;
    let detail = answer["detail"].as_str().unwrap();
    assert_eq!(
        detail,
        "`live::get_toys` matches none of the 5 investigated functions, did you mean \
         `live::get_toy`?"
    );

    let missing = live.send(Method::DELETE, "/analytics/boost/7", "").await;
    let expected = json!({"detail": "there is no boost `7`, because no boost is in force"});
    assert_eq!(missing, (StatusCode::NOT_FOUND, expected));
    boost(&live, json!({"route": "/toys/{id}"})).await;
    let missing = live.send(Method::DELETE, "/analytics/boost/x", "").await;
    let expected = json!({"detail": "there is no boost `x`, expected `1`"});
    assert_eq!(missing, (StatusCode::NOT_FOUND, expected));

    for _ in 1..16 {
        boost(&live, json!({"route": "/toys/{id}"})).await;
    }
    assert_refused(
        post(r#"{"route": "/toys/{id}"}"#).await,
        "16 boosts are in force, which is the maximum; end one with DELETE /analytics/boost/<id>",
    );

    let live = Live::start("[tracing]\nenabled = false\n").await;
    assert_refused(
        live.send(Method::POST, "/analytics/boost", r#"{"route": "*"}"#)
            .await,
        "`tracing.enabled` is `false` (detective.toml:2:1), expected `true`: a boost cannot \
         turn on what is off for all requests",
    );
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_begin_one() {
    let live = Live::start(NOTHING).await;
    let mut request = axum::http::Request::post("/analytics/boost")
        .header("host", "localhost")
        .header("content-type", "text/plain")
        .body(axum::body::Body::from(r#"{"route": "/toys/{id}"}"#))
        .unwrap();
    let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 4000));
    request
        .extensions_mut()
        .insert(axum::extract::ConnectInfo(peer));
    let response = tower::ServiceExt::oneshot(live.app.clone(), request).await;
    assert_eq!(response.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(live.get("/analytics/boost").await, json!([]));
}
