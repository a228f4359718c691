//! What the `OTEL_*` variables decide.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{load, load_without_file, warnings};
use crate::config::{Config, Protocol};

/// The settings that these variables make, without any warning.
#[track_caller]
fn config(variables: &[(&str, &str)]) -> Config {
    let loaded = load_without_file(variables).expect("OTEL_* variables never fail the start");
    assert_eq!(warnings(&loaded), [""; 0]);
    loaded.config
}

/// Checks that variables are warned of, and change nothing.
#[track_caller]
fn check_ignored(variables: &[(&str, &str)], expected: &str) {
    let loaded = load_without_file(variables).expect("OTEL_* variables never fail the start");
    assert_eq!(warnings(&loaded), [expected]);
    assert_eq!(loaded.config, Config::default());
}

#[test]
fn resource() {
    let config = config(&[
        ("OTEL_SERVICE_NAME", "store"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=other,service.version=1.4,deployment.environment.name=pre%20prod",
        ),
    ]);
    assert_eq!(config.service.name, "store");
    assert_eq!(config.service.version, "1.4");
    let name = "deployment.environment.name".to_owned();
    assert_eq!(
        config.service.attributes,
        BTreeMap::from([(name, "pre prod".to_owned())])
    );
}

#[test]
fn sampler() {
    let check = |sampler: &str, argument: &str, expected: f64| {
        let config = config(&[
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ]);
        assert_eq!(config.tracing.sample, expected, "for {sampler}({argument})");
    };
    check("always_on", "", 1.0);
    check("parentbased_always_off", "0.5", 0.0);
    check("traceidratio", "0.25", 0.25);
    check("parentbased_traceidratio", "", 1.0);
}

#[test]
fn endpoint_by_protocol() {
    let check = |variables: &[(&str, &str)], expected: &str| {
        let config = config(variables);
        assert_eq!(config.jaeger.endpoint, expected, "for {variables:?}");
    };
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1/base/");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:2");
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    check(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1")],
        "http://c:1/v1/traces",
    );
    check(&[general], "http://c:1/base/v1/traces");
    check(&[general, grpc], "http://c:1/base/");
    // As it is, which is with the path of the root: an address without one would be continued.
    check(&[general, traces], "http://t:2/?");
    check(
        &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:2/")],
        "http://t:2/?",
    );
    check(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "c:1"), grpc],
        "http://c:1",
    );
    check(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "c:1")],
        "http://c:1/v1/traces",
    );
    let insecure = ("OTEL_EXPORTER_OTLP_INSECURE", "true");
    check(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "c:1"), grpc, insecure],
        "http://c:1",
    );
    check(&[traces, grpc], "http://t:2");
    check(
        &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:2/x")],
        "http://t:2/x",
    );
    // A variable of ours that is stronger decides what theirs mean.
    check(
        &[general, ("DETECTIVE_JAEGER__PROTOCOL", "otlp-grpc")],
        "http://c:1/base/",
    );
    let udp = ("OTEL_TRACES_EXPORTER", "jaeger");
    check(&[udp, general], "");
    check(
        &[udp, ("OTEL_EXPORTER_JAEGER_AGENT_HOST", "agent")],
        "agent:6831",
    );
    check(
        &[udp, ("OTEL_EXPORTER_JAEGER_AGENT_HOST", "::1")],
        "[::1]:6831",
    );
    check(
        &[udp, ("OTEL_EXPORTER_JAEGER_AGENT_PORT", "7000")],
        "localhost:7000",
    );
}

#[test]
fn a_password_in_an_endpoint_becomes_a_header() {
    let check = |file: &str, variables: &[(&str, &str)], expected: Option<&str>| {
        let loaded = load(file, variables).unwrap();
        let jaeger = &loaded.config.jaeger;
        assert!(!jaeger.endpoint.contains('@'), "{}", jaeger.endpoint);
        let header = jaeger.headers.get("authorization");
        assert_eq!(header.map(|secret| secret.expose()), expected);
        assert!(!format!("{loaded:?}").contains("s3cret"));
    };
    let theirs = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:s3cret@c:1");
    check("", &[theirs], Some("Basic bWU6czNjcmV0"));
    let file = "[jaeger]\nendpoint = \"https://me:a%3Ab%40c@c:1/x\"\n";
    check(file, &[], Some("Basic bWU6YTpiQGM="));
    let token = "[jaeger]\nendpoint = \"https://token@c:1/x\"\n";
    check(token, &[], Some("Basic dG9rZW46"));
    // The password of an address that another one replaces is for nobody.
    check(file, &[("DETECTIVE_JAEGER__ENDPOINT", "http://d:1")], None);
    // Whoever writes the header means it.
    check(
        "[jaeger]\nheaders = { Authorization = \"Bearer t\" }\n",
        &[theirs],
        Some("Bearer t"),
    );
}

#[test]
fn headers_have_no_upper_case() {
    let file = "[jaeger]\nheaders = { authorization = \"file\", X-Tenant = \"toys\" }\n";
    let theirs = ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=otel");
    let headers = load(file, &[theirs]).unwrap().config.jaeger.headers;
    assert_eq!(headers.len(), 2);
    assert_eq!(headers["authorization"].expose(), "otel");
    assert_eq!(headers["x-tenant"].expose(), "toys");
    let ours = ("DETECTIVE_JAEGER__HEADERS__AUTHORIZATION", "ours");
    let headers = load(file, &[theirs, ours]).unwrap().config.jaeger.headers;
    assert_eq!(headers["authorization"].expose(), "ours");
}

#[test]
fn of_several_headers_the_good_ones_hold() {
    let headers = |text: &str| {
        let loaded = load("", &[("OTEL_EXPORTER_OTLP_HEADERS", text)]).unwrap();
        let names: Vec<_> = loaded.config.jaeger.headers.keys().cloned().collect();
        (names, warnings(&loaded))
    };
    let (names, warned) = headers("good=1,bad name=hunter2");
    assert_eq!(names, ["good"]);
    assert_eq!(
        warned,
        ["OTEL_EXPORTER_OTLP_HEADERS: `bad name` is ignored, expected the name of an HTTP header"]
    );
    let (names, warned) = headers("n=hunter%0A2");
    assert_eq!(names, [""; 0]);
    assert_eq!(
        warned,
        [
            "OTEL_EXPORTER_OTLP_HEADERS: the value of `n` is ignored, expected visible ASCII characters"
        ]
    );
}

#[test]
fn endpoint_outranks_the_file_and_is_outranked_by_ours() {
    let file = "[jaeger]\nendpoint = \"http://file:1\"\n";
    let theirs = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:1");
    let ours = ("DETECTIVE_JAEGER__ENDPOINT", "http://ours:1");
    let check = |variables: &[(&str, &str)], expected: &str| {
        assert_eq!(
            load(file, variables).unwrap().config.jaeger.endpoint,
            expected
        );
    };
    check(&[], "http://file:1");
    check(&[theirs], "http://otel:1/v1/traces");
    check(&[theirs, ours], "http://ours:1");
}

#[test]
fn exporter_and_batches() {
    let config = config(&[
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20x, a=b",
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "30000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "2048"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "256"),
    ]);
    let jaeger = config.jaeger;
    assert_eq!(jaeger.protocol, Protocol::OtlpGrpc);
    assert_eq!(jaeger.headers["authorization"].expose(), "Bearer x");
    assert_eq!(jaeger.headers["a"].expose(), "b");
    assert_eq!(jaeger.timeout, Duration::from_millis(500));
    assert_eq!(jaeger.flush_interval, Duration::from_secs(5));
    assert_eq!((jaeger.queue_spans, jaeger.batch_spans), (2048, 256));
}

#[test]
fn switches_and_lists() {
    let off = config(&[
        ("OTEL_SDK_DISABLED", "TRUE"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_PROPAGATORS", "none"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
        ("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET, PURGE"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "64"),
    ]);
    assert!(!off.tracing.enabled && !off.tracing.trust_inbound && !off.metrics.exemplars);
    assert_eq!(off.jaeger.protocol, Protocol::Off);
    assert_eq!(off.http.known_methods, ["GET", "PURGE"]);
    assert_eq!(off.capture.max_text_bytes, 64);
    assert!(
        config(&[("OTEL_SDK_DISABLED", "1")]).tracing.enabled,
        "only `true` is true"
    );
    assert_eq!(
        config(&[("OTEL_SERVICE_NAME", ""), ("OTEL_TRACES_SAMPLER", " ")]),
        Config::default()
    );
}

#[test]
fn what_cannot_be_understood_is_warned_of() {
    check_ignored(
        &[("OTEL_BSP_SCHEDULE_DELAY", "5s")],
        "OTEL_BSP_SCHEDULE_DELAY: `5s` is ignored, expected a whole number of milliseconds",
    );
    check_ignored(
        &[("OTEL_BSP_MAX_QUEUE_SIZE", "0")],
        "OTEL_BSP_MAX_QUEUE_SIZE: `jaeger.queue_spans` is `0`, expected a whole number, 1 or more; ignored",
    );
    check_ignored(
        &[("OTEL_TRACES_SAMPLER", "jaeger_remote")],
        "OTEL_TRACES_SAMPLER: `jaeger_remote` is ignored, expected `always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`",
    );
    check_ignored(
        &[
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "7"),
        ],
        "OTEL_TRACES_SAMPLER_ARG: `tracing.sample` is `7.0`, expected a number from 0.0 to 1.0; ignored",
    );
    check_ignored(
        &[("OTEL_TRACES_EXPORTER", "console")],
        "OTEL_TRACES_EXPORTER: `console` is ignored, expected `otlp`, `jaeger` or `none`",
    );
    check_ignored(
        &[("OTEL_PROPAGATORS", "tracecontext,b3")],
        "OTEL_PROPAGATORS: `b3` is ignored, expected `tracecontext` or `none`",
    );
    check_ignored(
        &[("OTEL_EXPORTER_OTLP_HEADERS", "hunter2")],
        "OTEL_EXPORTER_OTLP_HEADERS: a part is ignored, expected `name=value,name=value`",
    );
    check_ignored(
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")],
        "OTEL_EXPORTER_OTLP_PROTOCOL: `http/json` is ignored, expected `http/protobuf` or `grpc`",
    );
    check_ignored(
        &[("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")],
        "OTEL_EXPORTER_OTLP_COMPRESSION: `zstd` is ignored, expected `gzip` or `none`",
    );
    check_ignored(
        &[("OTEL_EXPORTER_OTLP_CLIENT_KEY", "client.key")],
        "OTEL_EXPORTER_OTLP_CLIENT_KEY: ignored, expected `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` with it",
    );
    check_ignored(
        &[("OTEL_CONFIG_FILE", "otel.yaml")],
        "OTEL_CONFIG_FILE: not supported and ignored, expected the settings in detective.toml",
    );
}

#[test]
fn an_exporter_that_is_off_stays_off_whatever_the_protocol() {
    for (exporter, expected) in [("none", Protocol::Off), ("jaeger", Protocol::Udp)] {
        let config = config(&[
            ("OTEL_TRACES_EXPORTER", exporter),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ]);
        assert_eq!(config.jaeger.protocol, expected);
    }
}

#[cfg(not(all(feature = "otlp-grpc", feature = "otlp-http", feature = "jaeger-udp")))]
#[test]
fn a_protocol_that_is_not_built_is_ignored() {
    for (variable, value, feature, is_built) in [
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "otlp-grpc",
            cfg!(feature = "otlp-grpc"),
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http/protobuf",
            "otlp-http",
            cfg!(feature = "otlp-http"),
        ),
        (
            "OTEL_TRACES_EXPORTER",
            "jaeger",
            "jaeger-udp",
            cfg!(feature = "jaeger-udp"),
        ),
    ] {
        if !is_built {
            let expected = format!(
                "{variable}: ignored, this program was built without the feature `{feature}` of detective-runtime"
            );
            check_ignored(&[(variable, value)], &expected);
        }
    }
}

/// The test runs itself again, since the variable for the store holds for a whole process.
#[cfg(feature = "tls-ring")]
#[test]
fn an_endpoint_with_tls_is_ignored_where_no_ca_is_known() {
    const NAME: &str = "config::tests::otel::an_endpoint_with_tls_is_ignored_where_no_ca_is_known";
    const STORE: &str = "SSL_CERT_FILE";
    if std::env::var(STORE).as_deref() != Ok("/dev/null") {
        let program = std::env::current_exe().unwrap();
        let again = std::process::Command::new(program)
            .args(["--exact", NAME])
            .env(STORE, "/dev/null")
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success(), "{output}");
        assert!(output.contains("1 passed"), "{output}");
        return;
    }
    for endpoint in [
        "https://me:s3cret@c:1/x?key=s3cret",
        "HTTPS://me:s3cret@c:1/x",
    ] {
        let variable = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint);
        let loaded = load_without_file(&[variable]).unwrap();
        assert_eq!(loaded.config, Config::default());
        let warnings = warnings(&loaded);
        let (scheme, _) = endpoint.split_once("://").unwrap();
        let expected = format!(
            "{}: `{scheme}://[hidden]@c:1/x` is ignored, the system's store has no certificates",
            variable.0
        );
        assert!(warnings[0].starts_with(&expected), "{warnings:?}");
        assert!(!warnings[0].contains("s3cret"), "{warnings:?}");
    }
}
