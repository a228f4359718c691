//! Tests changes of the configuration while the store runs.

use detective_tests::{RunningStore, Store, until};
use reqwest::StatusCode;
use serde_json::{Value, json};

const TOML: &str = "[jaeger]\nprotocol = \"off\"\n[store]\nenabled = true\n";

fn write(store: &RunningStore, toml: &str) {
    std::fs::write(store.file("detective.toml"), format!("{TOML}{toml}"))
        .expect("the folder of the store can be written to");
}

/// What `/analytics/health` reports about the configuration, once `holds` is true.
async fn wait_for(store: &RunningStore, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut config = Value::Null;
    until(what, async || {
        config = store.json("/analytics/health").await["config"].take();
        if holds(&config) {
            Ok(())
        } else {
            Err(config.to_string())
        }
    })
    .await;
    config
}

#[tokio::test]
async fn a_changed_file_is_taken_up_and_a_bad_one_reported() {
    let mut store = Store::new().config(TOML).start().await;
    write(&store, "queue_rows = 7\n[tracing]\nsample = 0.5\n");
    let config = wait_for(&store, "the file to be taken up", |it| {
        it["generation"] == 2
    })
    .await;
    let restart =
        "detective.toml:5:1: `store.queue_rows` needs a restart, and keeps `50_000` until then";
    assert_eq!(config["needs_restart"], json!([restart]));

    write(&store, "[tracing]\nsampel = 0.5\n");
    let config = wait_for(&store, "the mistake to be noticed", |it| {
        it["state"] == "failing"
    })
    .await;
    assert_eq!(config["generation"], 2);
    let error = store.process().stderr() + &store.process().stdout();
    for told in [
        restart,
        "the changed configuration is not applied, the previous one stays in force: the configuration has a mistake",
        "detective.toml:6:1: unknown key `sampel` in [tracing], did you mean `sample`?",
    ] {
        assert_eq!(error.matches(told).count(), 1, "`{told}` once in:\n{error}");
    }

    write(&store, "[tracing]\nsample = 0.25\n");
    wait_for(&store, "the mistake to be forgotten", |it| {
        it["state"] == "ok"
    })
    .await;
    let answer = store.json("/analytics/investigations").await;
    let functions = answer["functions"].as_array().expect("a list");
    let sample = &functions[0]["in_force"]["sample"];
    assert_eq!(sample["place"], "detective.toml:6:1");
    assert!(store.terminate().await.success());
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_reads_the_file_and_ends_nothing() {
    let mut store = Store::new().config(TOML).start().await;
    // The store opens its port before it starts Detective. A SIGHUP before that would end it.
    wait_for(&store, "the first configuration", |it| {
        it["generation"] == 1
    })
    .await;
    for generation in 2..5 {
        write(&store, &format!("[tracing]\nsample = 0.{generation}\n"));
        store.process().signal("HUP");
        wait_for(&store, "the file to be taken up", |it| {
            it["generation"] == generation
        })
        .await;
    }
    assert_eq!(store.process().exited(), None);
    assert!(store.terminate().await.success());
}

#[tokio::test]
async fn a_boost_is_asked_for_by_whoever_may_look() {
    let store = Store::new().config(TOML).start().await;
    let ask = |host: &'static str| {
        let request = store.request("POST", "/analytics/boost");
        request
            .header("host", host)
            .header("content-type", "application/json")
            .body(r#"{"route": "/users/{user_id}", "for": "1m"}"#)
    };
    let refused = ask("store.example")
        .send()
        .await
        .expect("the store answers");
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let begun = ask("localhost").send().await.expect("the store answers");
    assert_eq!(begun.status(), StatusCode::CREATED);
    store.json("/users/1").await;
    let answer = store.json("/analytics/investigations").await;
    let routes = answer["routes"].as_array().expect("a list");
    let user = routes
        .iter()
        .find(|route| route["endpoint"] == "/users/{user_id}");
    let sample = &user.expect("it was asked for")["in_force"]["sample"];
    assert_eq!(
        (&sample["value"], &sample["layer"]),
        (&json!(1.0), &json!("boost"))
    );
}
