//! Every mistake of a user is reported: where it is, what was expected, what to do.

use std::net::TcpListener;

use detective_tests::Store;
use serde_json::Value;

/// A store with wrong settings: it ends at once, and writes exactly `expected`.
async fn check(store: Store, expected: &str) {
    let (status, errors) = store.start_and_fail().await;
    assert_eq!(status.code(), Some(1), "{errors}");
    assert_eq!(errors, format!("error: {expected}\n"));
}

async fn check_config(toml: &str, expected: &str) {
    check(
        Store::new().config(toml),
        &format!("the configuration has a mistake\n{expected}"),
    )
    .await;
}

async fn check_variable(name: &str, value: &str, expected: &str) {
    check(
        Store::new().env(name, value),
        &format!("the configuration has a mistake\n{name}: {expected}"),
    )
    .await;
}

#[tokio::test]
async fn all_mistakes_of_a_file_are_told_at_once() {
    let toml = "\
[tracing]
sampel = 0.5
slow = \"2\"

[stor]
url = \"sqlite://rows.db\"

[metrics]
buckets = [2, 1]
";
    let expected = "\
the configuration has 5 mistakes
detective.toml:2:1: unknown key `sampel` in [tracing], did you mean `sample`?
  accepted: enabled, sample, slow, trust_inbound, exception_events, max_spans, max_fields
detective.toml:3:8: `tracing.slow` is `\"2\"`, expected a duration with its unit, such as \"250ms\", \"1s\" or \"2m\"
detective.toml:5:2: unknown section [stor], did you mean `store`?
  accepted: service, http, capture, tracing, jaeger, metrics, store, cache, analytics, admin, pipeline, routes, investigate, profile
detective.toml:9:11: `metrics.buckets` is `[2, 1]`, expected a list of seconds above 0, each larger than the one before
DETECTIVE_TRACING__SAMPLE: `tracing.sample` is `\"lots\"`, expected a number from 0.0 to 1.0";
    check(
        Store::new()
            .config(toml)
            .env("DETECTIVE_TRACING__SAMPLE", "lots"),
        expected,
    )
    .await;
}

#[tokio::test]
async fn a_file_that_cannot_be_understood() {
    check_config(
        "[tracing\n",
        "detective.toml:1:9: unclosed table, expected `]`",
    )
    .await;
    check_config(
        "[tracing]\nsample = 1.0\nsample = 0.5\n",
        "detective.toml:3:1: duplicate key",
    )
    .await;
    check_config(
        "[tracing]\nsample = \"half\"\n",
        "detective.toml:2:10: `tracing.sample` is `\"half\"`, expected a number from 0.0 to 1.0",
    )
    .await;
    check_config(
        "[jaeger]\nprotocol = \"thrift\"\n",
        "detective.toml:2:12: `jaeger.protocol` is `\"thrift\"`, expected \"otlp-http\", \"otlp-grpc\", \"udp\" or \"off\"",
    )
    .await;
    check_config(
        "[routes.\"/users/:id\"]\nsample = 1.0\n",
        "detective.toml:1:9: `/users/:id` in [routes] is not a route, expected a route such as \"/users/{user_id}\", where `*` matches any text, as in \"/users/*\"",
    )
    .await;
    check_config(
        "[profile.productoin.tracing]\nsample = 0.1\n",
        "detective.toml:1:10: unknown profile `productoin`, did you mean `production`?",
    )
    .await;
}

#[tokio::test]
async fn a_variable_that_is_wrong() {
    check_variable(
        "DETECTIVE_TRACING__SAMPEL",
        "1",
        "unknown key `sampel` in [tracing], did you mean `sample`?\n  accepted: enabled, sample, slow, trust_inbound, exception_events, max_spans, max_fields",
    )
    .await;
    check_variable(
        "DETECTIVE_ADMIN__LISTEN",
        "9464",
        "`admin.listen` is `\"9464\"`, expected an address with a port, such as \"127.0.0.1:9464\"",
    )
    .await;
    check_variable(
        "DETECTIVE_JAEGER__ENDPOINT",
        "jaeger",
        "`jaeger.endpoint` is `\"jaeger\"`, expected an address such as \"http://localhost:4318\", or \"localhost:6831\" for udp",
    )
    .await;
    check_variable(
        "DETECTIVE_PROFILE",
        "prodction",
        "unknown profile `prodction`, did you mean `production`?\n  accepted: development, production",
    )
    .await;
    check_variable(
        "DETECTIVE_CONFIG",
        "/nowhere/detective.toml",
        "`/nowhere/detective.toml` cannot be read (No such file or directory (os error 2)), expected a config file",
    )
    .await;
    check_variable(
        "DETECTIVE_ANALYTICS__TOKEN_FILE",
        "/nowhere/token",
        "`/nowhere/token` cannot be read (No such file or directory (os error 2)), expected a file that holds `analytics.token`",
    )
    .await;
}

#[tokio::test]
async fn an_address_that_holds_a_password_is_not_shown() {
    check_variable(
        "DETECTIVE_STORE__URL",
        "mysql://root:hunter2@db/rows",
        "`store.url` is `\"mysql://[hidden]\"`, expected an address such as \"sqlite://data/detective.db\" or \"sqlite::memory:\"",
    )
    .await;
    check_variable(
        "DETECTIVE_CACHE__URL",
        "memcached://root:hunter2@cache",
        "`cache.url` is `\"memcached://[hidden]\"`, expected \"memory\", or an address such as \"redis://localhost:6379\"",
    )
    .await;
}

/// An unusable path for the rows. `reason` is the system's.
async fn check_store(url: &str, path: &str, reason: &str) {
    let store = Store::new().config(&format!("[store]\nurl = \"{url}\"\n"));
    let (status, errors) = store.start_and_fail().await;
    assert_eq!(status.code(), Some(1), "{errors}");
    let (place, told) = errors.split_once("`: ").expect("the path is in backticks");
    assert!(
        place.starts_with("error: cannot open the store at `/") && place.ends_with(path),
        "{errors}"
    );
    let expected = format!(
        "{reason}; expected a SQLite file, or a place where one can be created: check the folder's owner and permissions, \
         or set `store.url` (DETECTIVE_STORE__URL) to another place such as `sqlite://data/detective.db`\n"
    );
    assert_eq!(told, expected);
}

#[tokio::test]
async fn rows_that_cannot_be_kept_there() {
    check_store(
        "sqlite://detective.toml/rows.db",
        "/detective.toml/rows.db",
        "cannot create its folder: File exists (os error 17)",
    )
    .await;
    check_store(
        "sqlite:///proc/nowhere/rows.db",
        "/proc/nowhere/rows.db",
        "cannot create its folder: No such file or directory (os error 2)",
    )
    .await;
    check_store("sqlite://.", "", "unable to open database file").await;
    check_store(
        "sqlite://detective.toml",
        "/detective.toml",
        "file is not a database",
    )
    .await;
}

#[tokio::test]
async fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = taken
        .local_addr()
        .expect("a listener has an address")
        .to_string();
    check(
        Store::new().env("STORE_LISTEN", &address),
        &format!("cannot listen on `{address}`: Address already in use (os error 98); set `STORE_LISTEN` to another `host:port`"),
    )
    .await;
    check(
        Store::new().env("DETECTIVE_ADMIN__LISTEN", &address),
        &format!(
            "`admin.listen`: cannot listen on `{address}`: Address already in use (os error 98); choose another address or stop what uses it"
        ),
    )
    .await;
}

#[tokio::test]
async fn an_argument_that_is_unknown() {
    check(
        Store::new().arg("--guests"),
        "unknown argument `--guests`, expected `--visitors N` or `--help`",
    )
    .await;
}

#[tokio::test]
async fn a_time_range_that_cannot_be() {
    let store = Store::new()
        .env("DETECTIVE_JAEGER__PROTOCOL", "off")
        .start()
        .await;
    let no_time = |name: &str, value: &str| {
        format!(
            "`{name}` is `{value}`, expected a time such as `2026-11-22T10:14:47Z`, `2026-11-22 10:14:47.5` (UTC), \
             `2026-11-22T10:14:47%2B05:00`, `2026-11-22` or seconds since 1970"
        )
    };
    let cases = [
        ("start_time=yesterday", no_time("start_time", "yesterday")),
        ("end_time=2026-13-01", no_time("end_time", "2026-13-01")),
        ("end_time=", no_time("end_time", "")),
        ("start_time=2026-02-30T00:00:00Z", no_time("start_time", "2026-02-30T00:00:00Z")),
        (
            "start_time=2026-01-02&end_time=2026-01-01T00:00:00Z",
            "`start_time` is `2026-01-02T00:00:00Z`, expected a time before `end_time`, which is `2026-01-01T00:00:00Z`".to_owned(),
        ),
    ];
    for (query, expected) in cases {
        for page in ["metrics", "endpoint/users/1"] {
            let answer = store.get(&format!("/analytics/{page}?{query}")).await;
            assert_eq!(answer.status(), 400, "{query}");
            let answer: Value = answer.json().await.expect("it is JSON");
            assert_eq!(answer, serde_json::json!({ "detail": expected }), "{query}");
        }
    }
    let answer = store.get("/analytics/endpoint").await;
    assert_eq!(answer.status(), 400);
}
