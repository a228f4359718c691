//! Tests that a changed file is applied.

use std::pin::pin;

use axum::http::StatusCode;
use futures_util::poll;
use serde_json::json;

use crate::Live;

#[tokio::test]
async fn live_keys_apply_to_the_next_request() {
    let live = Live::start("[tracing]\nsample = 0.0\n").await;
    assert_eq!(live.traces_of_a_toy().await, 0);
    live.change("[tracing]\nsample = 1.0\n").await.unwrap();
    assert_eq!(live.traces_of_a_toy().await, 1);
    live.change("[tracing]\nsample = 1.0\n[routes.\"/toys/*\"]\nsample = 0.0\n")
        .await
        .unwrap();
    assert_eq!(live.traces_of_a_toy().await, 0);
    let config = live.config().await;
    assert_eq!(
        (&config["state"], &config["generation"]),
        (&json!("ok"), &json!(3))
    );
    assert_eq!(config["needs_restart"], json!([]));
    // The earlier counts are kept.
    let toys = r#"http_requests_total{endpoint="/toys/{id}",method="GET",status="200"}"#;
    assert_eq!(live.sinks.metric(toys), Some(3.0));
}

#[tokio::test]
async fn an_unchanged_file_changes_nothing() {
    let live = Live::start("[tracing]\nsample = 0.5\n").await;
    live.reload().await.unwrap();
    assert_eq!(live.config().await["generation"], 1);
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_reported_whole() {
    let live = Live::start("[tracing]\nsample = 0.0\n").await;
    let expected = "the configuration has 2 mistakes\n\
         detective.toml:2:10: `tracing.sample` is `7`, expected a number from 0.0 to 1.0\n\
         detective.toml:3:1: unknown key `slwo` in [tracing], did you mean `slow`?\n  \
         accepted: enabled, sample, slow, trust_inbound, exception_events, max_spans, max_fields";
    let error = live.change("[tracing]\nsample = 7\nslwo = \"1s\"\n").await;
    assert_eq!(error.unwrap_err(), expected);
    assert_eq!(live.traces_of_a_toy().await, 0, "the old sample holds");

    let health = live.get("/analytics/health").await;
    assert_eq!(health["status"], "failing");
    let config = &health["config"];
    assert_eq!(
        (&config["state"], &config["generation"]),
        (&json!("failing"), &json!(1))
    );
    assert_eq!(config["last_error"], expected);
    assert!(
        config["last_error_at"].as_str().unwrap().ends_with('Z'),
        "{config}"
    );

    live.change("[tracing]\nsample = 1.0\n").await.unwrap();
    let config = live.config().await;
    assert_eq!(
        (&config["state"], &config["generation"]),
        (&json!("ok"), &json!(2))
    );
    assert_eq!(
        config["last_error"], expected,
        "what was wrong last can still be read"
    );
    assert_eq!(live.traces_of_a_toy().await, 1);
}

#[tokio::test]
async fn a_corrected_mistake_ends_the_failure() {
    let live = Live::start("[tracing]\nsample = 0.0\n").await;
    live.change("[tracing\n").await.unwrap_err();
    live.change("[tracing]\nsample = 0.0\n").await.unwrap();
    let config = live.config().await;
    assert_eq!(
        (&config["state"], &config["generation"]),
        (&json!("ok"), &json!(1))
    );
}

#[tokio::test]
async fn a_deleted_file_stays_in_force() {
    let live = Live::start("[tracing]\nsample = 0.0\n").await;
    std::fs::remove_file(live.folder.file()).unwrap();
    let error = live.reload().await.unwrap_err();
    let expected = "the configuration has a mistake\nfile(): `detective.toml` cannot be read \
                    (No such file or directory (os error 2)), expected a config file";
    assert_eq!(error, expected);
    assert_eq!(live.traces_of_a_toy().await, 0);
}

#[tokio::test]
async fn keys_that_need_a_restart_keep_their_values_and_are_reported() {
    let live = Live::start(
        "[store]\nqueue_rows = 100\n[metrics]\nbuckets = [1.0]\n[routes.\"/sell\"]\nbuckets = [2.0]\n",
    )
    .await;
    live.change(
        "[tracing]\nsample = 0.0\n[store]\nqueue_rows = 200\nurl = \"sqlite://s3cret.db\"\n\
         [jaeger]\nbatch_spans = 512\n[routes.\"/toys/*\"]\nbuckets = [3.0]\n",
    )
    .await
    .unwrap();
    assert_eq!(live.traces_of_a_toy().await, 0, "the live key is in force");
    live.get("/sell").await;
    // A key that is written with its current value is not a change.
    let expected = [
        "detective.toml:4:1: `metrics.buckets` was removed here, which needs a restart, and keeps `[1.0]` until then",
        "detective.toml:4:1: `store.queue_rows` needs a restart, and keeps `100` until then",
        "detective.toml:5:1: `store.url` needs a restart, and keeps its value until then",
        "detective.toml:6:1: `routes.\"/sell\".buckets` was removed here, which needs a restart, and keeps `[2.0]` until then",
        "detective.toml:9:1: `routes.\"/toys/*\".buckets` needs a restart, and keeps no value until then",
    ];
    assert_eq!(live.config().await["needs_restart"], json!(expected));
    for (endpoint, bound) in [("/toys/{id}", "1"), ("/sell", "2")] {
        let bucket = format!(
            "http_request_duration_seconds_bucket{{endpoint=\"{endpoint}\",method=\"GET\",le=\"{bound}\"}}"
        );
        assert_eq!(live.sinks.metric(&bucket), Some(1.0), "{bucket}");
    }
    // They are reported as long as they differ.
    live.change("[store]\nqueue_rows = 100\n[metrics]\nbuckets = [1]\n[routes.\"/sell\"]\nbuckets = [2.0]\n")
        .await
        .unwrap();
    assert_eq!(live.config().await["needs_restart"], json!([]));
}

#[tokio::test]
async fn values_set_in_the_program_still_win() {
    let live = Live::start_with("", |builder| builder.set("tracing.sample", 0.0)).await;
    live.change("[tracing]\nsample = 1.0\nslow = \"5s\"\n")
        .await
        .unwrap();
    assert_eq!(live.traces_of_a_toy().await, 0);
    assert_eq!(live.config().await["generation"], 2);
}

#[tokio::test]
async fn the_profile_stays() {
    let toml = "[profile.night.tracing]\nsample = 0.0\n";
    let live = Live::start_with(toml, |builder| builder.profile("night")).await;
    assert_eq!(live.traces_of_a_toy().await, 0);
    let error = live.change("[tracing]\nsample = 1.0\n").await.unwrap_err();
    assert_eq!(
        error,
        "the configuration has a mistake\nprofile(): unknown profile `night`\n  \
         accepted: development, production"
    );
}

#[tokio::test]
async fn the_access_check_uses_the_new_token() {
    let live = Live::start("").await;
    let remote = async |token: &str| {
        let request = axum::http::Request::get("/analytics/health")
            .header("authorization", format!("Bearer {token}"))
            .header("x-forwarded-for", "192.0.2.1")
            .body(axum::body::Body::empty())
            .unwrap();
        let response = tower::ServiceExt::oneshot(live.app.clone(), request).await;
        response.unwrap().status()
    };
    assert_eq!(remote("one").await, StatusCode::FORBIDDEN);
    live.change("[analytics]\ntoken = \"one\"\n").await.unwrap();
    assert_eq!(remote("one").await, StatusCode::OK);
    live.change("[analytics]\ntoken = \"two\"\n").await.unwrap();
    assert_eq!(remote("one").await, StatusCode::UNAUTHORIZED);
    assert_eq!(remote("two").await, StatusCode::OK);
}

#[tokio::test]
async fn what_would_not_start_in_production_is_not_applied_there() {
    let live = Live::start_with("", |builder| builder.profile("production")).await;
    let error = live
        .change("[investigate.\"live::get_tyo\"]\nspans = false\n")
        .await
        .unwrap_err();
    assert!(
        error.contains("detective.toml:1:14: ") && error.contains("`live::get_toy`"),
        "{error}"
    );
    assert_eq!(live.config().await["generation"], 1);

    let live = Live::start_with("", |builder| builder.profile("development")).await;
    live.change("[investigate.\"live::get_tyo\"]\nspans = false\n")
        .await
        .unwrap();
    assert_eq!(live.config().await["generation"], 2);
}

#[tokio::test]
async fn a_rule_that_names_no_route_is_refused_by_the_current_strictness() {
    let live = Live::start("[service]\nstrict = true\n[tracing]\nsample = 0.0\n").await;
    let app = axum::Router::new().route("/toys/{id}", axum::routing::get(async || ()));
    live.detective.check(&app).unwrap();
    let wrong = "[service]\nstrict = false\n[tracing]\nsample = 1.0\n[routes.\"/toy/{id}\"]\nslow = \"1s\"\n";
    let error = live.change(wrong).await.unwrap_err();
    assert!(
        error.contains("matches no route, did you mean `/toys/{id}`?"),
        "{error}"
    );
    assert_eq!(live.config().await["generation"], 1);
    live.change(&wrong.replace("/toy/", "/toys/"))
        .await
        .unwrap();
    assert_eq!(live.config().await["generation"], 2);
}

#[tokio::test]
async fn an_open_request_keeps_the_config_that_it_began_with() {
    let only_traces = |enabled: bool| {
        format!(
            "[store]\nenabled = false\n[metrics]\nenabled = false\n[tracing]\nenabled = {enabled}\n"
        )
    };
    let live = Live::start(&only_traces(true)).await;
    {
        let mut under_way = pin!(live.get("/slow-toy"));
        assert!(poll!(&mut under_way).is_pending());
        live.change(&only_traces(false)).await.unwrap();
        under_way.await;
    }
    assert_eq!(
        live.sinks.tree().await,
        "GET /slow-toy (server)\n  get_slow_toy (internal)\n    get_toy (internal)\n      wrap (internal)\n"
    );
    assert_eq!(live.traces_of_a_toy().await, 0);
    let before = live.sinks.spans().await.len();
    {
        let mut under_way = pin!(live.get("/slow-toy"));
        assert!(poll!(&mut under_way).is_pending());
        live.change(&only_traces(true)).await.unwrap();
        under_way.await;
    }
    assert_eq!(
        live.sinks.spans().await.len(),
        before,
        "it began unrecorded"
    );
    assert_eq!(live.traces_of_a_toy().await, 1);
}
