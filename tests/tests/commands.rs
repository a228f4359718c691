//! Tests the commands of the example store, and its start with a file that does not fit.

use detective_tests::Store;
use serde_json::Value;

const MISFIT: &str = "\
[routes.\"/user/{user_id}\"]
sample = 0.1

[investigate.\"store::user::*\"]
spans = false
";

#[tokio::test]
async fn check_knows_the_functions_and_routes_of_the_store() {
    let (code, output) = Store::new().config(MISFIT).detective("check").await;
    let expected = "\
warning: detective.toml:1:9: [routes.\"/user/{user_id}\"] matches no route, did you mean `/users/{user_id}`?
warning: detective.toml:4:14: [investigate.\"store::user::*\"] matches no investigated function, did you mean `store::users::*`?
note: detective.toml:4:14: no rule of [investigate] matches ";
    assert_eq!(code, Some(1));
    assert!(output.starts_with(expected), "{output}");

    let fitting = MISFIT.replace("user/", "users/").replace("::user:", "::*:");
    let (code, output) = Store::new()
        .config(&fitting)
        .detective("check --json")
        .await;
    let output: Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!((code, &output["ok"]), (Some(0), &Value::Bool(true)));
}

#[tokio::test]
async fn a_file_that_does_not_fit_stops_the_store_in_production_only() {
    let running = Store::new().config(MISFIT).start().await;
    assert!(running.get("/toys").await.status().is_success());

    let store = Store::new()
        .config(MISFIT)
        .env("DETECTIVE_PROFILE", "production");
    let (status, errors) = store.start_and_fail().await;
    let expected = "error: the configuration has a mistake\n\
        detective.toml:4:14: [investigate.\"store::user::*\"] matches no investigated function, \
        did you mean `store::users::*`?\n";
    assert_eq!((status.code(), errors.as_str()), (Some(1), expected));

    let (routes, _) = MISFIT.split_once("\n\n").expect("two rules");
    let store = Store::new()
        .config(routes)
        .env("DETECTIVE_PROFILE", "production");
    let (status, errors) = store.start_and_fail().await;
    let expected = "error: the configuration has a mistake\n\
        detective.toml:1:9: [routes.\"/user/{user_id}\"] matches no route, did you mean \
        `/users/{user_id}`?\n";
    assert_eq!((status.code(), errors.as_str()), (Some(1), expected));
}

#[tokio::test]
async fn config_tells_the_variable_that_decided() {
    let store = Store::new().env("DETECTIVE_TRACING__SAMPLE", "0.5");
    let (code, output) = store.detective("config").await;
    assert_eq!(code, Some(0));
    let line = "sample = 0.5                                  # DETECTIVE_TRACING__SAMPLE";
    assert!(output.lines().any(|it| it == line), "{output}");
    let line = "name = \"store\"                                # default";
    assert!(output.lines().any(|it| it == line), "{output}");
}

#[tokio::test]
async fn init_lists_the_routes_of_the_store() {
    let (code, output) = Store::new().detective("init").await;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.ends_with(" functions and 10 routes\n"), "{output}");
}

#[tokio::test]
async fn doctor_sends_a_request_through_the_store() {
    let store = Store::new().env("DETECTIVE_JAEGER__PROTOCOL", "off");
    let (code, output) = store.detective("doctor").await;
    assert_eq!(code, Some(0), "{output}");
    for expected in [
        "ok   settings  they match the application\n",
        "/data/detective.db can be opened and written\n",
        "ok   cache     in the memory of this process\n",
        "off  jaeger    off (`jaeger.protocol`)\n",
        "ok   request   GET / was answered 200 OK in ",
        " and left 2 spans:\n                 GET / (server)\n                   welcome (internal)\n",
        "ok   layers    `serve` and `watch` put the layer outermost\n",
    ] {
        assert!(output.contains(expected), "{expected}\n{output}");
    }
}

#[tokio::test]
async fn doctor_says_what_to_do_without_jaeger_and_redis() {
    let store = Store::new()
        .env("DETECTIVE_JAEGER__ENDPOINT", "http://127.0.0.1:9")
        .env("DETECTIVE_CACHE__URL", "redis://127.0.0.1:9");
    let (code, output) = store.detective("doctor").await;
    assert_eq!(code, Some(1), "{output}");
    for expected in [
        "bad  cache     ",
        "\n               → start Redis, correct `cache.url`, or set it to \"memory\"; until then \
         every read is a miss\n",
        "bad  jaeger    cannot send a span to `http://127.0.0.1:9/",
        "\n               → start Jaeger, correct `jaeger.endpoint`, or set `jaeger.protocol` to \
         \"off\"; until then traces are dropped and counted\n",
    ] {
        assert!(output.contains(expected), "{expected}\n{output}");
    }
}
