//! The exact message for each kind of mistake.

use super::{Folder, load, load_without_file, warnings};

/// Checks the messages for a file, without the heading.
#[track_caller]
fn check(text: &str, expected: &str) {
    check_with(text, &[], expected);
}

#[track_caller]
fn check_with(text: &str, variables: &[(&str, &str)], expected: &str) {
    let error = load(text, variables).expect_err("the settings should be refused");
    let shown = error.to_string();
    let (_, messages) = shown.split_once('\n').unwrap_or_default();
    assert_eq!(messages, expected);
}

/// Checks the warnings for a file that is accepted.
#[track_caller]
fn check_warnings(text: &str, variables: &[(&str, &str)], expected: &[&str]) {
    let loaded = load(text, variables).expect("the settings should be accepted");
    assert_eq!(warnings(&loaded), expected);
}

#[test]
fn unknown_key() {
    check(
        "[tracing]\n\n  sampel = 1.0\n",
        "detective.toml:3:3: unknown key `sampel` in [tracing], did you mean `sample`?\n  \
         accepted: enabled, sample, slow, trust_inbound, exception_events, max_spans, max_fields",
    );
    check(
        "[admin]\nport = 1\n",
        "detective.toml:2:1: unknown key `port` in [admin]\n  accepted: listen",
    );
    check(
        "[routes.\"/a\"]\nsloww = \"1s\"\n",
        "detective.toml:2:1: unknown key `sloww` in [routes.\"/a\"], did you mean `slow`?\n  \
         accepted: spans, histogram, buckets, record, sample, slow, request_headers, response_headers",
    );
}

#[test]
fn unknown_section() {
    let accepted = "accepted: service, http, capture, tracing, jaeger, metrics, store, cache, \
                    analytics, admin, pipeline, routes, investigate, profile";
    let text = "[trcing]\nsample = 1\n[profile.production.stroe]\nurl = \"\"\n";
    check(
        text,
        &format!(
            "detective.toml:1:2: unknown section [trcing], did you mean `tracing`?\n  {accepted}\n\
             detective.toml:3:21: unknown section [stroe], did you mean `store`?\n  {accepted}"
        ),
    );
}

#[test]
fn key_without_section() {
    check(
        "sample = 1.0\n",
        "detective.toml:1:1: key `sample` is not in a section, expected it in one such as [service]",
    );
    check(
        "store = \"sqlite:x\"\n",
        "detective.toml:1:1: `store` is not a table, expected [store] above its keys",
    );
    check(
        "[routes]\n\"/a\" = 1\n",
        "detective.toml:2:1: `/a` in [routes] is not a table, expected [routes.\"/a\"] above its keys",
    );
}

#[test]
fn wrong_values() {
    let cases = [
        (
            "tracing.sample = 2.0",
            "18: `tracing.sample` is `2.0`, expected a number from 0.0 to 1.0",
        ),
        (
            "tracing.sample = nan",
            "18: `tracing.sample` is `NaN`, expected a number from 0.0 to 1.0",
        ),
        (
            "tracing.sample = \"high\"",
            "18: `tracing.sample` is `\"high\"`, expected a number from 0.0 to 1.0",
        ),
        (
            "tracing.enabled = 1",
            "19: `tracing.enabled` is `1`, expected `true` or `false`",
        ),
        (
            "tracing.slow = 250",
            "16: `tracing.slow` is `250`, expected a duration with its unit, such as \"250ms\", \"1s\" or \"2m\"",
        ),
        (
            "pipeline.tick = \"0s\"",
            "17: `pipeline.tick` is `\"0s\"`, expected a duration longer than zero, such as \"250ms\", \"1s\" or \"2m\"",
        ),
        (
            "tracing.slow = \"-1s\"",
            "16: `tracing.slow` is `\"-1s\"`, expected a duration with its unit, such as \"250ms\", \"1s\" or \"2m\"",
        ),
        (
            "cache.capacity = -1",
            "18: `cache.capacity` is `-1`, expected a whole number, 0 or more",
        ),
        (
            "store.queue_rows = 0",
            "20: `store.queue_rows` is `0`, expected a whole number, 1 or more",
        ),
        (
            "service.name = 3",
            "16: `service.name` is `3`, expected a text in quotes",
        ),
        (
            "jaeger.protocol = \"otlp_http\"",
            "19: `jaeger.protocol` is `\"otlp_http\"`, expected \"otlp-http\", \"otlp-grpc\", \"udp\" or \"off\", did you mean \"otlp-http\"?",
        ),
        (
            "http.watch = \"none\"",
            "14: `http.watch` is `\"none\"`, expected \"all\" or \"investigated\"",
        ),
        (
            "metrics.buckets = [0.1, 0.1]",
            "19: `metrics.buckets` is `[0.1, 0.1]`, expected a list of seconds above 0, each larger than the one before",
        ),
        (
            "metrics.buckets = [0.1, \"1\"]",
            "25: `metrics.buckets` holds `\"1\"`, expected a number",
        ),
        (
            "metrics.buckets = []",
            "19: `metrics.buckets` is `[]`, expected a list of seconds above 0, each larger than the one before",
        ),
        (
            "http.trusted_proxies = [\"10.0.0.0/8\", \"10.0.0.0/80\"]",
            "39: `http.trusted_proxies` holds `\"10.0.0.0/80\"`, expected an address range, such as \"10.0.0.0/8\"",
        ),
        (
            "http.exclude = [\"health\"]",
            "17: `http.exclude` holds `\"health\"`, expected a route such as \"/users/{user_id}\", where `*` matches any text, as in \"/users/*\"",
        ),
        (
            "http.groups = { \"legacy/*\" = \"/legacy\" }",
            "17: `http.groups` has the name `legacy/*`, expected a route such as \"/users/{user_id}\", where `*` matches any text, as in \"/users/*\"",
        ),
        (
            "http.known_methods = [\"GET \"]",
            "23: `http.known_methods` holds `\"GET \"`, expected an HTTP method, such as \"GET\"",
        ),
        (
            "capture.request_headers = [\"a b\"]",
            "28: `capture.request_headers` holds `\"a b\"`, expected a header name, such as \"content-type\"",
        ),
        (
            "service.attributes = { zone = 7 }",
            "31: `service.attributes` has `7` for `zone`, expected a text in quotes",
        ),
        (
            "service.attributes.deployment.name = \"x\"",
            "20: `service.attributes` has a table for `deployment`, expected a text in quotes; a name with dots needs quotes",
        ),
        (
            "admin.listen = \"localhost\"",
            "16: `admin.listen` is `\"localhost\"`, expected an address with a port, such as \"127.0.0.1:9464\"",
        ),
        (
            "jaeger.ui_url = \"jaeger\"",
            "17: `jaeger.ui_url` is `\"jaeger\"`, expected an address such as \"http://localhost:16686\", or \"\"",
        ),
        (
            "store = 1\n[cache]\nurl = \"\"",
            "1: `store` is not a table, expected [store] above its keys\ndetective.toml:3:7: `cache.url` is `[hidden]`, expected \"memory\", or an address such as \"redis://localhost:6379\"",
        ),
        (
            "routes.\"/a\".sample = 3",
            "22: `routes.\"/a\".sample` is `3`, expected a number from 0.0 to 1.0",
        ),
    ];
    for (text, expected) in cases {
        check(text, &format!("detective.toml:1:{expected}"));
    }
}

#[test]
fn secrets_are_not_shown() {
    check(
        "[store]\nurl = \"mysql://root:hunter2@db\"\n",
        "detective.toml:2:7: `store.url` is `\"mysql://[hidden]\"`, expected an address such as \"sqlite://data/detective.db\" or \"sqlite::memory:\"",
    );
    check(
        "[jaeger.headers]\n\"a b\" = \"hunter2\"\n",
        "detective.toml:2:1: `jaeger.headers` has the name `a b`, expected a header name, such as \"authorization\"",
    );
    check(
        "[jaeger.headers]\n\"authorization: Basic hunter2\" = \"\"\n",
        "detective.toml:2:1: `jaeger.headers` has the name `authorization:[hidden]`, expected a header name, such as \"authorization\"",
    );
}

#[test]
fn wrong_patterns() {
    check(
        "[routes.\"/users/:id\"]\nsample = 1\n[investigate.\"store.users\"]\n",
        "detective.toml:1:9: `/users/:id` in [routes] is not a route, expected a route such as \"/users/{user_id}\", where `*` matches any text, as in \"/users/*\"\n\
         detective.toml:3:14: `store.users` in [investigate] is not a function, expected a path such as \"store::users::get_user\", where `*` matches any text, as in \"store::*\"",
    );
}

#[test]
fn a_password_in_an_endpoint_is_not_shown() {
    let check = |file: &str, variables: &[(&str, &str)], shown: &str| {
        let error = load(file, variables).unwrap_err().to_string();
        assert!(error.contains(shown), "{error}");
        assert!(!error.contains("secret"), "{error}");
    };
    check(
        "[jaeger]\nendpoint = \"ftp://me:secret@host:4318\"\n",
        &[],
        "`\"ftp://[hidden]@host:4318\"`",
    );
    check(
        "[jaeger]\nprotocol = \"udp\"\nendpoint = \"me:secret@host:6831\"\n",
        &[],
        "`\"[hidden]@host:6831\"`",
    );
    check(
        "[jaeger]\nprotocol = \"udp\"\n",
        &[("DETECTIVE_JAEGER__ENDPOINT", "http://me:secret@host")],
        "`\"http://host\"`",
    );
}

#[test]
fn endpoint_of_another_protocol() {
    check(
        "[jaeger]\nprotocol = \"udp\"\nendpoint = \"http://localhost:4318\"\n",
        "detective.toml:3:1: `jaeger.endpoint` is `\"http://localhost:4318\"`, expected an address such as \"localhost:6831\" for the protocol udp",
    );
    check(
        "[jaeger]\nendpoint = \"localhost:4317\"\n",
        "detective.toml:2:1: `jaeger.endpoint` is `\"localhost:4317\"`, expected an address such as \"http://localhost:4318\" for the protocol otlp-http",
    );
}

#[test]
fn text_that_is_not_toml() {
    check(
        "[tracing]\nsample = 1.0\nsample = 0.5\n",
        "detective.toml:3:1: duplicate key",
    );
    check(
        "[tracing\n",
        "detective.toml:1:9: unclosed table, expected `]`",
    );
    check(
        "[service]\nname = store\n",
        "detective.toml:2:8: string values must be quoted, expected literal string",
    );
}

#[test]
fn profiles() {
    check(
        "[profile.productoin.tracing]\nsample = 0.1\n",
        "detective.toml:1:10: unknown profile `productoin`, did you mean `production`?",
    );
    check(
        "[profile.production.tracing]\nsampel = 0.1\n",
        "detective.toml:2:1: unknown key `sampel` in [tracing], did you mean `sample`?\n  \
         accepted: enabled, sample, slow, trust_inbound, exception_events, max_spans, max_fields",
    );
    check(
        "profile.production = 1\n",
        "detective.toml:1:9: `profile.production` is not a table, expected tables such as [profile.production.tracing]",
    );
    check_with(
        "[profile.staging.tracing]\nsample = 0.1\n",
        &[("DETECTIVE_PROFILE", "stagging")],
        "DETECTIVE_PROFILE: unknown profile `stagging`, did you mean `staging`?\n  \
         accepted: development, production, staging",
    );
}

#[test]
fn variables() {
    let variables = [
        ("DETECTIVE_TRACING__SAMPEL", "1"),
        ("DETECTIVE_TRACING__SAMPLE", "2.0"),
        ("DETECTIVE_TRCING__SAMPLE", "1"),
        ("DETECTIVE_ADMIN__LISTEN", "9464"),
        ("DETECTIVE_HTTP__TRUSTED_PROXIES", "10.0.0.1,none"),
    ];
    let expected = "\
DETECTIVE_ADMIN__LISTEN: `admin.listen` is `\"9464\"`, expected an address with a port, such as \"127.0.0.1:9464\"
DETECTIVE_HTTP__TRUSTED_PROXIES: `http.trusted_proxies` holds `\"10.0.0.1\"`, expected an address range, such as \"10.0.0.0/8\"
DETECTIVE_TRACING__SAMPEL: unknown key `sampel` in [tracing], did you mean `sample`?
  accepted: enabled, sample, slow, trust_inbound, exception_events, max_spans, max_fields
DETECTIVE_TRACING__SAMPLE: `tracing.sample` is `2.0`, expected a number from 0.0 to 1.0
DETECTIVE_TRCING__SAMPLE: unknown section [trcing], did you mean `tracing`?
  accepted: service, http, capture, tracing, jaeger, metrics, store, cache, analytics, admin, pipeline, routes, investigate, profile";
    check_with("", &variables, expected);
}

#[test]
fn variable_that_is_nearly_a_key() {
    let expected = "DETECTIVE_STORE_URL: this variable is not a key and is ignored, did you mean `DETECTIVE_STORE__URL`?";
    let variables = [
        ("DETECTIVE_STORE_URL", "x"),
        ("DETECTIVE_REQUIRE_SERVERS", "1"),
    ];
    check_warnings("", &variables, &[expected]);
}

#[test]
fn calls_of_the_program() {
    let folder = Folder::new("");
    let loader = folder
        .loader(&[])
        .set("tracing.sample", 2)
        .set("tracing", "on");
    let error = loader.load().unwrap_err().to_string();
    let expected = "\
the configuration has 2 mistakes
set(\"tracing.sample\"): `tracing.sample` is `2.0`, expected a number from 0.0 to 1.0
set(\"tracing\"): unknown key `` in [tracing]
  accepted: enabled, sample, slow, trust_inbound, exception_events, max_spans, max_fields";
    assert_eq!(error, expected);
}

#[test]
fn named_file_that_is_missing() {
    let error = load_without_file(&[("DETECTIVE_CONFIG", "/nowhere/d.toml")]).unwrap_err();
    let expected = "the configuration has a mistake\n\
                    DETECTIVE_CONFIG: `/nowhere/d.toml` cannot be read (No such file or directory (os error 2)), expected a config file";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn file_that_is_no_text() {
    let folder = Folder::new("");
    std::fs::write(folder.path().join("detective.toml"), [0xff, 0xfe]).unwrap();
    let error = folder.loader(&[]).load().unwrap_err().to_string();
    let expected = "detective.toml:1:1: `detective.toml` cannot be read (stream did not contain valid UTF-8), expected a config file";
    assert_eq!(error.lines().nth(1), Some(expected));
}

#[test]
fn secret_files() {
    check(
        "[store]\nurl = \"sqlite:x\"\nurl_file = \"y\"\n",
        "detective.toml:3:1: `store.url` and `store.url_file` are both set, expected only one of them",
    );
    check(
        "[store]\nurl_file = \"y\"\n",
        "detective.toml:2:12: `y` cannot be read (No such file or directory (os error 2)), expected a file that holds `store.url`",
    );
}

#[test]
fn denied_header_in_a_list() {
    check_warnings(
        "[capture]\nrequest_headers = [\"Cookie\", \"accept\", \"x-mine\"]\ndeny = [\"x-mine\"]\n\
         [routes.\"/a\"]\nresponse_headers = [\"set-cookie\"]\n",
        &[],
        &[
            "detective.toml:2:1: `Cookie` is never captured, because it is on the deny list",
            "detective.toml:2:1: `x-mine` is never captured, because it is on the deny list",
            "detective.toml:5:1: `set-cookie` is never captured, because it is on the deny list",
        ],
    );
}

#[test]
fn all_mistakes_are_told_at_once_and_debug_shows_them() {
    let text = "[tracing]\nsampel = 1\nslow = 3\n[stor]\n";
    let error = load(text, &[("DETECTIVE_CACHE__TIMEOUT", "0s")]).unwrap_err();
    assert_eq!(error.diagnostics().len(), 4);
    let shown = format!("{error:?}");
    assert_eq!(shown, error.to_string());
    assert!(shown.starts_with("the configuration has 4 mistakes\ndetective.toml:2:1: "));
}
