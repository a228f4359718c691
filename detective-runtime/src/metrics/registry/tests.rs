#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::process::{Command, Stdio};

use http::HeaderValue;
use prometheus::core::Collector;
use prometheus::{Gauge, IntCounter, IntCounterVec, Opts};

use super::*;
use crate::config::Naming;
use crate::metrics::observation::ProtocolVersion;
use crate::metrics::{ErrorType, Observation, Scheme, UNMATCHED};

const OK: Observation = Observation {
    status: 200,
    nanos: 20_000_000,
    in_histogram: true,
    error: None,
    version: ProtocolVersion::Http11,
    scheme: Scheme::Http,
};

fn settings(naming: Naming) -> Metrics {
    Metrics {
        naming,
        buckets: vec![0.01, 1.0],
        ..Metrics::default()
    }
}

/// A registry in which one request ended with each of `outcomes` and one is in flight.
fn registry(naming: Naming, outcomes: &[Observation]) -> MetricsRegistry {
    let settings = settings(naming);
    let registry = MetricsRegistry::new(&settings, Arc::default());
    let bounds = Bounds::from_seconds(&settings.buckets);
    let cells = registry.route("GET", "/users/{user_id}", &bounds);
    cells.start(Scheme::Http);
    for outcome in outcomes {
        cells.start(outcome.scheme);
        cells.observe(outcome);
        cells.finish(outcome.scheme);
    }
    registry
}

fn render(registry: &MetricsRegistry, accept: &'static str) -> String {
    registry.render(Some(&HeaderValue::from_static(accept))).1
}

/// The lines of the families that begin with `prefix`.
fn lines(text: &str, prefix: &str) -> String {
    let of_family = |line: &&str| {
        let name = ["# HELP ", "# TYPE ", "# UNIT "];
        let name = name.iter().find_map(|start| line.strip_prefix(start));
        name.unwrap_or(line).starts_with(prefix)
    };
    let lines = text.lines().filter(of_family);
    lines.map(|line| format!("{line}\n")).collect()
}

fn check(registry: &MetricsRegistry, accept: &'static str, prefix: &str, expected: &str) {
    assert_eq!(lines(&render(registry, accept), prefix), expected);
}

#[test]
fn classic_text() {
    let registry = registry(
        Naming::Classic,
        &[
            OK,
            OK,
            Observation {
                status: 499,
                nanos: 2_000_000_000,
                error: Some(ErrorType::ClientDisconnect),
                ..OK
            },
            Observation {
                status: 101,
                in_histogram: false,
                ..OK
            },
            Observation {
                status: 0,
                nanos: 0,
                error: Some(ErrorType::Shutdown),
                ..OK
            },
        ],
    );
    check(
        &registry,
        "*/*",
        "http_",
        r#"# HELP http_request_duration_seconds Time from the head of a request to the end of its response.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{endpoint="/users/{user_id}",method="GET",le="0.01"} 1
http_request_duration_seconds_bucket{endpoint="/users/{user_id}",method="GET",le="1"} 3
http_request_duration_seconds_bucket{endpoint="/users/{user_id}",method="GET",le="+Inf"} 4
http_request_duration_seconds_sum{endpoint="/users/{user_id}",method="GET"} 2.04
http_request_duration_seconds_count{endpoint="/users/{user_id}",method="GET"} 4
# HELP http_requests_in_flight HTTP requests that are being answered.
# TYPE http_requests_in_flight gauge
http_requests_in_flight{endpoint="/users/{user_id}",method="GET"} 1
# HELP http_requests_total HTTP requests that ended, by response status.
# TYPE http_requests_total counter
http_requests_total{endpoint="/users/{user_id}",method="GET",status="101"} 1
http_requests_total{endpoint="/users/{user_id}",method="GET",status="200"} 2
http_requests_total{endpoint="/users/{user_id}",method="GET",status="499"} 1
http_requests_total{endpoint="/users/{user_id}",method="GET",status="none"} 1
"#,
    );
}

#[test]
fn semconv_text() {
    let registry = registry(
        Naming::Semconv,
        &[
            OK,
            Observation {
                status: 503,
                scheme: Scheme::Https,
                version: ProtocolVersion::Http2,
                ..OK
            },
            Observation {
                status: 500,
                error: Some(ErrorType::Panic),
                ..OK
            },
            Observation {
                status: 499,
                error: Some(ErrorType::ClientDisconnect),
                ..OK
            },
        ],
    );
    let unmatched = registry.route("GET", UNMATCHED, &Bounds::from_seconds(&[]));
    unmatched.observe(&Observation { status: 404, ..OK });
    for outside in [101, 200] {
        registry
            .route("GET", "/events", &Bounds::from_seconds(&[]))
            .observe(&Observation {
                status: outside,
                in_histogram: false,
                ..OK
            });
    }
    let text = render(&registry, "text/plain");
    let counts: Vec<_> = text
        .lines()
        .filter(|line| line.contains("_count{"))
        .collect();
    assert_eq!(
        counts,
        [
            r#"http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404",network_protocol_version="1.1",url_scheme="http"} 1"#,
            r#"http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/users/{user_id}",network_protocol_version="1.1",url_scheme="http"} 1"#,
            r#"http_server_request_duration_seconds_count{error_type="client_disconnect",http_request_method="GET",http_route="/users/{user_id}",network_protocol_version="1.1",url_scheme="http"} 1"#,
            r#"http_server_request_duration_seconds_count{error_type="503",http_request_method="GET",http_response_status_code="503",http_route="/users/{user_id}",network_protocol_version="2",url_scheme="https"} 1"#,
            r#"http_server_request_duration_seconds_count{error_type="panic",http_request_method="GET",http_response_status_code="500",http_route="/users/{user_id}",network_protocol_version="1.1",url_scheme="http"} 1"#,
        ]
    );
    assert_eq!(
        lines(&text, "http_server_active"),
        r#"# HELP http_server_active_requests Number of active HTTP server requests.
# TYPE http_server_active_requests gauge
http_server_active_requests{http_request_method="GET",url_scheme="http"} 1
http_server_active_requests{http_request_method="GET",url_scheme="https"} 0
"#
    );
    assert_eq!(lines(&text, "http_requests"), "");
    assert_eq!(
        lines(&text, "detective_requests"),
        r#"# HELP detective_requests_outside_histogram_total HTTP server requests that ended and are not in the duration histogram: event streams, upgraded connections, and routes with histogram = false.
# TYPE detective_requests_outside_histogram_total counter
detective_requests_outside_histogram_total{http_request_method="GET",http_route="/events"} 2
"#
    );
}

#[test]
fn open_metrics_with_exemplars() {
    let registry = registry(Naming::Classic, &[OK]);
    let bounds = Bounds::from_seconds(&[]);
    let cells = registry.route("GET", "/users/{user_id}", &bounds);
    cells.set_exemplar(&OK, 0xabc, 0xdef, 1_700_000_000_500_000_000);
    let function = registry.function("find_toy", "store::toys", &bounds);
    function.observe(1_500_000_000, true);
    function.set_exemplar(1_500_000_000, true, 1, 2, 3_000_000);
    let accept = "application/openmetrics-text; version=1.0.0";
    check(
        &registry,
        accept,
        "http_request_duration",
        r#"# TYPE http_request_duration_seconds histogram
# UNIT http_request_duration_seconds seconds
# HELP http_request_duration_seconds Time from the head of a request to the end of its response.
http_request_duration_seconds_bucket{endpoint="/users/{user_id}",method="GET",le="0.01"} 0
http_request_duration_seconds_bucket{endpoint="/users/{user_id}",method="GET",le="1.0"} 1 # {trace_id="00000000000000000000000000000abc",span_id="0000000000000def"} 0.02 1700000000.500
http_request_duration_seconds_bucket{endpoint="/users/{user_id}",method="GET",le="+Inf"} 1
http_request_duration_seconds_sum{endpoint="/users/{user_id}",method="GET"} 0.02
http_request_duration_seconds_count{endpoint="/users/{user_id}",method="GET"} 1
"#,
    );
    check(
        &registry,
        accept,
        "function_",
        r#"# TYPE function_duration_seconds histogram
# UNIT function_duration_seconds seconds
# HELP function_duration_seconds Duration of investigated functions, by result.
function_duration_seconds_bucket{function="find_toy",module="store::toys",result="error",le="+Inf"} 1 # {trace_id="00000000000000000000000000000001",span_id="0000000000000002"} 1.5 0.003
function_duration_seconds_sum{function="find_toy",module="store::toys",result="error"} 1.5
function_duration_seconds_count{function="find_toy",module="store::toys",result="error"} 1
"#,
    );
    assert!(render(&registry, accept).ends_with("\n# EOF\n"));
    assert!(!render(&registry, "text/plain").contains("trace_id"));
}

#[test]
fn exemplars_can_be_turned_off() {
    let settings = Metrics {
        exemplars: false,
        ..Metrics::default()
    };
    let registry = MetricsRegistry::new(&settings, Arc::default());
    let cells = registry.route("GET", "/", &Bounds::from_seconds(&[]));
    cells.observe(&OK);
    cells.set_exemplar(&OK, 1, 2, 3);
    assert!(!render(&registry, "application/openmetrics-text").contains("trace_id"));
}

#[test]
fn routes_beyond_the_limit_share_one_series() {
    let settings = Metrics {
        max_routes: 2,
        ..Metrics::default()
    };
    let registry = MetricsRegistry::new(&settings, Arc::default());
    let bounds = Bounds::from_seconds(&[]);
    for number in 0..1000 {
        let endpoint = format!("/{number}");
        registry.route("GET", &endpoint, &bounds).observe(&OK);
    }
    registry.route("GET", "/0", &bounds).observe(&OK);
    check(
        &registry,
        "",
        "http_requests_total",
        r#"# HELP http_requests_total HTTP requests that ended, by response status.
# TYPE http_requests_total counter
http_requests_total{endpoint="/0",method="GET",status="200"} 2
http_requests_total{endpoint="/1",method="GET",status="200"} 1
http_requests_total{endpoint="_OVERFLOW",method="_OTHER",status="200"} 998
"#,
    );
    let text = render(&registry, "");
    assert!(text.contains("\ndetective_routes_overflowed_total 998\n"));
}

#[test]
fn its_own_state() {
    let registry = registry(Naming::Classic, &[]);
    registry.watch_queue("records", || QueueFill {
        depth: 3,
        capacity: 65_536,
    });
    let text = render(&registry, "");
    for line in [
        concat!(
            "detective_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1"
        ),
        "detective_queue_depth{queue=\"records\"} 3",
        "detective_queue_capacity{queue=\"records\"} 65536",
        "detective_dropped_total{reason=\"record_queue_full\"} 0",
        "detective_exchanges_total{part=\"exporter\"} 0",
        "detective_failures_total{part=\"store\"} 0",
        "detective_rows_written_total 0",
        "detective_cache_hits_total 0",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "no `{line}` in\n{text}"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_is_told_of_once() {
    let text = render(&registry(Naming::Classic, &[]), "");
    let samples = text
        .lines()
        .filter(|line| line.starts_with("process_open_fds "));
    assert_eq!(samples.count(), 1);
}

#[test]
fn metrics_of_the_application_are_shown_too() {
    let counter = prometheus::register_int_counter!("toys_sold_total", "Toys sold.").unwrap();
    counter.inc();
    let registry = registry(Naming::Classic, &[]);
    assert!(render(&registry, "").contains("\ntoys_sold_total 1\n"));
    assert!(render(&registry, "application/openmetrics-text").contains("\ntoys_sold_total 1\n"));
}

#[test]
fn an_application_s_family_joins_one_of_the_same_name() {
    let requests = |help: &str, endpoint: &str| {
        let opts = Opts::new("http_requests_total", help);
        let counter = IntCounterVec::new(opts, &["endpoint"]).unwrap();
        counter.with_label_values(&[endpoint]).inc();
        counter.with_label_values(&["/both"]).inc();
        counter.collect()
    };
    let mut families = requests("Ours.", "/ours");
    let mut theirs = requests("Theirs.", "/theirs");
    theirs.extend(Gauge::new("level", "Level.").unwrap().collect());
    assert_eq!(merge(&mut families, theirs), Vec::<String>::new());
    let names: Vec<_> = families.iter().map(MetricFamily::name).collect();
    assert_eq!(names, ["http_requests_total", "level"]);
    let metrics = families[0].get_metric().iter();
    let mut endpoints: Vec<_> = metrics
        .map(|metric| metric.get_label()[0].value())
        .collect();
    endpoints.sort_unstable();
    assert_eq!(endpoints, ["/both", "/ours", "/theirs"]);
    assert_eq!(families[0].help(), "Ours.");
}

#[test]
fn an_application_s_family_that_cannot_be_shown_is_refused() {
    let mut families = IntCounter::new("clash", "Ours.").unwrap().collect();
    let mut theirs = Gauge::new("clash", "Theirs.").unwrap().collect();
    let mut untyped = MetricFamily::default();
    untyped.set_name("odd".to_owned());
    untyped.set_field_type(MetricType::UNTYPED);
    theirs.push(untyped);
    assert_eq!(merge(&mut families, theirs), ["clash", "odd"]);
    assert_eq!(families.len(), 1);
}

#[test]
fn promtool_finds_nothing() {
    let Ok(version) = Command::new("promtool").arg("--version").output() else {
        let required = std::env::var("DETECTIVE_REQUIRE_SERVERS").is_ok_and(|value| value == "1");
        assert!(
            !required,
            "`promtool` is not on PATH and DETECTIVE_REQUIRE_SERVERS is 1"
        );
        eprintln!("skipped: `promtool` is not on PATH");
        return;
    };
    assert!(version.status.success());
    for naming in [Naming::Classic, Naming::Semconv] {
        let registry = registry(naming, &[OK, Observation { status: 500, ..OK }]);
        let bounds = Bounds::from_seconds(&[0.1]);
        registry.function("f", "m", &bounds).observe(1, false);
        registry.watch_queue("records", || QueueFill {
            depth: 0,
            capacity: 1,
        });
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = promtool.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, render(&registry, "").as_bytes()).unwrap();
        drop(input);
        let output = promtool.wait_with_output().unwrap();
        let complaints = [output.stdout, output.stderr].concat();
        assert_eq!(String::from_utf8_lossy(&complaints), "", "{naming:?}");
        assert!(output.status.success());
    }
}
