//! Tests trace context in and out, with each case of the W3C's own suite
//! (<https://github.com/w3c/trace-context>, folder `test`, at SPEC_LEVEL=2 and STRICT_LEVEL=2), and
//! the cases that it leaves open.
//!
//! Each case sends its headers to a service, and checks the headers that the service sends on.
//! Where the suite leaves a choice, the expectations here are exact. To run the suite itself, see
//! `examples/trace_context_service.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use detective::{
    Detective,
    testing::{self, Sinks},
};
use detective_tests::relay;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const TRACE_ID: &str = "12345678901234567890123456789012";
const PARENT_ID: &str = "1234567890123456";
const VALID: &str = "00-12345678901234567890123456789012-1234567890123456-01";

#[tokio::test]
async fn traceparent_is_continued() {
    Service::start("").await.check(&[
        case("valid").sends(&[("traceparent", VALID)]).continues(),
        case("name in capitals and small letters").sends(&[("TraceParent", VALID)]).continues(),
        case("name in mixed letters").sends(&[("TrAcEpArEnT", VALID)]).continues(),
        case("name in capitals").sends(&[("TRACEPARENT", VALID)]).continues(),
        case("version cc").traceparent("cc-12345678901234567890123456789012-1234567890123456-01").continues(),
        case("version cc, more data")
            .traceparent("cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like")
            .continues(),
        case("space before").traceparent(&format!(" {VALID}")).continues(),
        case("tab before").traceparent(&format!("\t{VALID}")).continues(),
        case("space after").traceparent(&format!("{VALID} ")).continues(),
        case("tab after").traceparent(&format!("{VALID}\t")).continues(),
        case("blanks around").traceparent(&format!("\t {VALID} \t")).continues(),
    ]).await;
}

#[tokio::test]
async fn traceparent_that_is_malformed_starts_a_new_trace() {
    Service::start("").await.check(&[
        case("absent").sends(&[]).starts(),
        case("twice")
            .sends(&[
                ("traceparent", "00-12345678901234567890123456789011-1234567890123456-01"),
                ("traceparent", VALID),
            ])
            .starts(),
        case("name with a dash").sends(&[("trace-parent", VALID)]).starts(),
        case("name with a dot").sends(&[("trace.parent", VALID)]).starts(),
        case("version 00, a dot follows").traceparent(&format!("{VALID}.")).starts(),
        case("version 00, more data").traceparent(&format!("{VALID}-what-the-future-will-be-like")).starts(),
        case("version cc, a dot follows")
            .traceparent("cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like")
            .starts(),
        case("version ff").traceparent("ff-12345678901234567890123456789012-1234567890123456-01").starts(),
        case("version .0").traceparent(".0-12345678901234567890123456789012-1234567890123456-01").starts(),
        case("version 0.").traceparent("0.-12345678901234567890123456789012-1234567890123456-01").starts(),
        case("version 000").traceparent("000-12345678901234567890123456789012-1234567890123456-01").starts(),
        case("version 0000").traceparent("0000-12345678901234567890123456789012-1234567890123456-01").starts(),
        case("version 0").traceparent("0-12345678901234567890123456789012-1234567890123456-01").starts(),
        case("trace id zero").traceparent("00-00000000000000000000000000000000-1234567890123456-01").starts(),
        case("trace id with a dot first").traceparent("00-.2345678901234567890123456789012-1234567890123456-01").starts(),
        case("trace id with a dot last").traceparent("00-1234567890123456789012345678901.-1234567890123456-01").starts(),
        case("trace id too long").traceparent("00-123456789012345678901234567890123-1234567890123456-01").starts(),
        case("trace id too short").traceparent("00-1234567890123456789012345678901-1234567890123456-01").starts(),
        case("parent id zero").traceparent("00-12345678901234567890123456789012-0000000000000000-01").starts(),
        case("parent id with a dot first").traceparent("00-12345678901234567890123456789012-.234567890123456-01").starts(),
        case("parent id with a dot last").traceparent("00-12345678901234567890123456789012-123456789012345.-01").starts(),
        case("parent id too long").traceparent("00-12345678901234567890123456789012-12345678901234567-01").starts(),
        case("parent id too short").traceparent("00-12345678901234567890123456789012-123456789012345-01").starts(),
        case("flags .0").traceparent("00-12345678901234567890123456789012-1234567890123456-.0").starts(),
        case("flags 0.").traceparent("00-12345678901234567890123456789012-1234567890123456-0.").starts(),
        case("flags too long").traceparent("00-12345678901234567890123456789012-1234567890123456-001").starts(),
        case("flags too short").traceparent("00-12345678901234567890123456789012-1234567890123456-1").starts(),
    ]).await;
}

#[tokio::test]
async fn flags_are_those_received_or_say_that_the_id_is_random() {
    let service = Service::start("").await;
    for (received, expected) in [
        ("00", "00"),
        ("01", "01"),
        ("02", "02"),
        ("03", "03"),
        ("ff", "03"),
    ] {
        let traceparent = format!("00-{TRACE_ID}-{PARENT_ID}-{received}");
        let sent = service.send(&[("traceparent", &traceparent)], 1).await;
        assert_eq!(parse(&sent[0]).flags, expected, "received {received}");
    }
    assert_eq!(parse(&service.send(&[], 1).await[0]).flags, "03");
    let unsampled = Service::start("[tracing]\nsample = 0.0").await;
    assert_eq!(parse(&unsampled.send(&[], 1).await[0]).flags, "02");
}

#[tokio::test]
async fn tracestate_is_inherited() {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~')
        .filter(|character| !",=".contains(*character))
        .collect();
    let every_character = format!("{key}={value}");
    let every_character_of_a_vendor = format!("{key}@a-z0-9_-*/={value}");
    let (long_key, long_vendor) = (
        format!("{}=1", "z".repeat(256)),
        format!("{}@{}=1", "t".repeat(241), "v".repeat(14)),
    );
    Service::start("")
        .await
        .check(&[
            case("two members").tracestate(&["foo=1,bar=2"], "foo=1,bar=2"),
            case("name in capitals and small letters").names_tracestate("TraceState", "foo=1"),
            case("name in mixed letters").names_tracestate("TrAcEsTaTe", "foo=1"),
            case("name in capitals").names_tracestate("TRACESTATE", "foo=1"),
            case("empty header").tracestate(&[""], ""),
            case("empty header after").tracestate(&["foo=1", ""], "foo=1"),
            case("empty header before").tracestate(&["", "foo=1"], "foo=1"),
            case("three headers").tracestate(
                &["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
                "foo=1,bar=2,rojo=1,congo=2,baz=3",
            ),
            // The specification lets duplicates pass; only the writer of an entry may not make any.
            case("the same member twice").tracestate(&["foo=1,foo=1"], "foo=1,foo=1"),
            case("the same key twice").tracestate(&["foo=1,foo=2"], "foo=1,foo=2"),
            case("the same member in two headers").tracestate(&["foo=1", "foo=1"], "foo=1,foo=1"),
            case("the same key in two headers").tracestate(&["foo=1", "foo=2"], "foo=1,foo=2"),
            case("every character").tracestate(&[&every_character], &every_character),
            case("every character, with a vendor").tracestate(
                &[&every_character_of_a_vendor],
                &every_character_of_a_vendor,
            ),
            case("blanks around commas")
                .tracestate(&["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
            case("tabs around commas")
                .tracestate(&["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
            case("space before").tracestate(&[" foo=1"], "foo=1"),
            case("tab before").tracestate(&["\tfoo=1"], "foo=1"),
            case("space after").tracestate(&["foo=1 "], "foo=1"),
            case("tab after").tracestate(&["foo=1\t"], "foo=1"),
            case("blanks around").tracestate(&["\t foo=1 \t"], "foo=1"),
            case("32 members").tracestate(
                &[
                    &members(1..=10),
                    &members(11..=20),
                    &members(21..=30),
                    &members(31..=32),
                ],
                &members(1..=32),
            ),
            case("key of 256").tracestate(&["foo=1", &long_key], &format!("foo=1,{long_key}")),
            case("tenant of 241, vendor of 14")
                .tracestate(&["foo=1", &long_vendor], &format!("foo=1,{long_vendor}")),
        ])
        .await;
}

#[tokio::test]
async fn tracestate_that_is_malformed_is_discarded_and_the_trace_goes_on() {
    Service::start("")
        .await
        .check(&[
            case("name with a dash").names_other("trace-state", "foo=1"),
            case("name with a dot").names_other("trace.state", "foo=1"),
            case("key with a space").tracestate(&["foo =1"], ""),
            case("key in capitals").tracestate(&["FOO=1"], ""),
            case("key with a dot").tracestate(&["foo.bar=1"], ""),
            case("no vendor").tracestate(&["foo@=1,bar=2"], ""),
            case("no tenant").tracestate(&["@foo=1,bar=2"], ""),
            case("two at signs").tracestate(&["foo@@bar=1,bar=2"], ""),
            case("two vendors").tracestate(&["foo@bar@baz=1,bar=2"], ""),
            case("33 members").tracestate(
                &[
                    &members(1..=10),
                    &members(11..=20),
                    &members(21..=30),
                    &members(31..=33),
                ],
                "",
            ),
            case("key of 257").tracestate(&["foo=1", &format!("{}=1", "z".repeat(257))], ""),
            case("tenant of 242").tracestate(&["foo=1", &format!("{}@v=1", "t".repeat(242))], ""),
            case("vendor of 15").tracestate(&["foo=1", &format!("t@{}=1", "v".repeat(15))], ""),
            case("value with an equals sign").tracestate(&["foo=bar=baz"], ""),
            case("empty value").tracestate(&["foo=,bar=3"], ""),
        ])
        .await;
}

#[tokio::test]
async fn tracestate_without_a_trace_is_discarded() {
    Service::start("")
        .await
        .check(&[
            case("one member")
                .sends(&[("tracestate", "foo=1")])
                .starts(),
            case("two members")
                .sends(&[("tracestate", "foo=1,bar=2")])
                .starts(),
            case("a malformed traceparent")
                .sends(&[("traceparent", "00-ab-cd-01"), ("tracestate", "foo=1")])
                .starts(),
        ])
        .await;
}

#[tokio::test]
async fn each_call_of_a_request_is_a_span_of_its_own_in_one_trace() {
    let service = Service::start("").await;
    let zero = format!("00-{}-{PARENT_ID}-01", "0".repeat(32));
    for (headers, expected) in [
        (vec![("traceparent", VALID)], Some(TRACE_ID)),
        (vec![], None),
        (vec![("traceparent", zero.as_str())], None),
    ] {
        let sent = service.send(&headers, 3).await;
        let sent: Vec<_> = sent.iter().map(parse).collect();
        let traces: BTreeSet<_> = sent.iter().map(|sent| &sent.trace_id).collect();
        let parents: BTreeSet<_> = sent.iter().map(|sent| &sent.parent_id).collect();
        assert_eq!((traces.len(), parents.len()), (1, 3), "{headers:?}");
        assert!(
            expected.is_none_or(|expected| sent[0].trace_id == expected),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn the_largest_tracestate_gets_through_among_many_headers() {
    let member = |index| format!("{index:02}{}@v={}", "t".repeat(239), "v".repeat(256));
    let values: Vec<_> = (0..32).map(member).collect();
    let mut headers = vec![("traceparent", VALID)];
    for value in &values {
        headers.extend([("tracestate", value.as_str()), ("x-something", "else")]);
    }
    let sent = parse(&Service::start("").await.send(&headers, 1).await[0]);
    assert_eq!(sent.trace_id, TRACE_ID);
    assert_eq!(sent.state, values.join(","));
}

/// A participant that does not trace forwards the headers it received.
#[tokio::test]
async fn what_is_not_traced_is_passed_on_unchanged() {
    let received = [
        (
            "traceparent",
            "cc-12345678901234567890123456789012-1234567890123456-09-of-the-future",
        ),
        ("tracestate", "foo=1"),
        ("tracestate", "BAR"),
    ];
    for toml in [
        "tracing.enabled = false",
        "tracing.enabled = false\nmetrics.enabled = false\nstore.enabled = false",
        "http.exclude = [\"/test\"]",
        "routes.\"/test\".spans = false",
    ] {
        let service = Service::start(toml).await;
        let sent = service.send(&received, 1).await;
        let values = |name: &str| {
            sent[0]
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(values("traceparent"), [received[0].1], "{toml}");
        assert_eq!(values("tracestate"), ["foo=1", "BAR"], "{toml}");
        assert!(
            !service.send(&[], 1).await[0].contains_key("traceparent"),
            "{toml}"
        );

        let service = Service::start(&format!("tracing.trust_inbound = false\n{toml}")).await;
        assert!(
            !service.send(&received, 1).await[0].contains_key("traceparent"),
            "{toml}"
        );
    }
}

#[tokio::test]
async fn a_call_beyond_the_span_limit_stays_in_its_trace() {
    let service = Service::start("[tracing]\nmax_spans = 1").await;
    let sent = service
        .send(&[("traceparent", VALID), ("tracestate", "foo=1")], 2)
        .await;
    let sent: Vec<_> = sent.iter().map(parse).collect();
    assert_eq!(sent[0].trace_id, TRACE_ID);
    assert_eq!(sent[0].state, "foo=1");
    // Both are children of the handler's span, the only one that fitted.
    let spans = service.sinks.spans().await;
    let handler = spans.iter().find(|span| span.name == "call_all").unwrap();
    assert_eq!(sent[0].parent_id, format!("{:016x}", handler.span_id));
    assert_eq!(sent[0], sent[1]);
}

/// One line of the tables above.
struct Case {
    name: &'static str,
    headers: Vec<(String, String)>,
    is_continued: bool,
    state: String,
}

fn case(name: &'static str) -> Case {
    Case {
        name,
        headers: Vec::new(),
        is_continued: true,
        state: String::new(),
    }
}

impl Case {
    fn sends(mut self, headers: &[(&str, &str)]) -> Self {
        self.headers.extend(
            headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        self
    }

    fn traceparent(self, value: &str) -> Self {
        self.sends(&[("traceparent", value)])
    }

    /// The trace continues.
    fn continues(mut self) -> Self {
        self.is_continued = true;
        self
    }

    /// A new trace starts, and nothing of the old one remains.
    fn starts(mut self) -> Self {
        self.is_continued = false;
        self
    }

    /// These `tracestate` headers, with a valid `traceparent`, become `expected`.
    fn tracestate(mut self, values: &[&str], expected: &str) -> Self {
        self = self.traceparent(VALID);
        for value in values {
            self = self.sends(&[("tracestate", value)]);
        }
        self.state = expected.to_owned();
        self
    }

    /// The header is also read under this name.
    fn names_tracestate(mut self, name: &str, value: &str) -> Self {
        self.state = value.to_owned();
        self.names_other(name, value)
    }

    /// The header has no meaning under this name.
    fn names_other(self, name: &str, value: &str) -> Self {
        self.traceparent(VALID).sends(&[(name, value)])
    }
}

fn members(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers
        .map(|number| format!("bar{number:02}={number:02}"))
        .collect::<Vec<_>>()
        .join(",")
}

/// The trace context of one outgoing call.
#[derive(Debug, PartialEq)]
struct Sent {
    trace_id: String,
    parent_id: String,
    flags: String,
    state: String,
}

/// Reads the outgoing headers by the rules of the specification: one `traceparent` of version 00,
/// and at most one `tracestate`.
fn parse(headers: &HeaderMap) -> Sent {
    let one = |name: &str| {
        assert!(
            headers.get_all(name).iter().count() <= 1,
            "several `{name}` in {headers:?}"
        );
        headers.get(name).map(|value| value.to_str().unwrap())
    };
    let traceparent = one("traceparent").expect("there is a traceparent");
    let parts: Vec<_> = traceparent.split('-').collect();
    let [version, trace_id, parent_id, flags] = parts[..] else {
        panic!("`{traceparent}`")
    };
    let is_id = |text: &str, length: usize| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && text.bytes().any(|byte| byte != b'0')
    };
    assert!(
        version == "00" && is_id(trace_id, 32) && is_id(parent_id, 16) && flags.len() == 2,
        "`{traceparent}`"
    );
    let state = one("tracestate");
    assert_ne!(state, Some(""));
    Sent {
        trace_id: trace_id.to_owned(),
        parent_id: parent_id.to_owned(),
        flags: flags.to_owned(),
        state: state.unwrap_or_default().to_owned(),
    }
}

/// The service under test, and a callee that stores the headers of its calls.
struct Service {
    address: SocketAddr,
    callee: SocketAddr,
    calls: Arc<Mutex<Vec<HeaderMap>>>,
    sinks: Sinks,
    _detective: Detective,
}

impl Service {
    async fn start(toml: &str) -> Self {
        let (detective, sinks) = testing::start(toml).await.unwrap();
        let calls = Arc::default();
        let callee = Router::new()
            .route("/", post(keep))
            .with_state(Arc::clone(&calls));
        Self {
            address: listen(detective.watch(relay())).await,
            callee: listen(callee).await,
            calls,
            sinks,
            _detective: detective,
        }
    }

    /// Makes the service send `count` calls, and returns the headers of each. The request is
    /// written by hand, since no client would send such headers.
    async fn send(&self, headers: &[(&str, &str)], count: usize) -> Vec<HeaderMap> {
        let call =
            serde_json::json!({ "url": format!("http://{}/", self.callee), "arguments": [] });
        let body = serde_json::Value::from(vec![call; count]).to_string();
        let mut request = format!(
            "POST /test HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream
            .write_all(format!("{request}\r\n{body}").as_bytes())
            .await
            .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        assert_eq!(calls.len(), count);
        calls
    }

    /// Runs all cases, and reports each that differs.
    async fn check(&self, cases: &[Case]) {
        let mut failures = Vec::new();
        for case in cases {
            let headers: Vec<_> = case
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let sent = parse(&self.send(&headers, 1).await[0]);
            let received = format!("{:?}", case.headers);
            let is_new = !received.contains(&sent.trace_id);
            let goes_on = sent.trace_id == TRACE_ID && sent.parent_id != PARENT_ID;
            if !(if case.is_continued { goes_on } else { is_new }) || sent.state != case.state {
                failures.push(format!("{}: {received} became {sent:?}", case.name));
            }
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}

async fn keep(State(calls): State<Arc<Mutex<Vec<HeaderMap>>>>, headers: HeaderMap) {
    calls.lock().unwrap().push(headers);
}

async fn listen(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}
