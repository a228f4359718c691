#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thrift::protocol::{TCompactInputProtocol, TInputProtocol, TType};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::{LOOK_UP_AGAIN, MAX_PACKET_BYTES, UdpExporter, parse_endpoint};
use crate::config::{Jaeger, Protocol};
use crate::export::tests::{resource, span};
use crate::export::{ExportError, ExportEvent, ExportSpan};
use crate::metrics::{DropReason, Stats};
use crate::value::Value;

/// A thrift value of any type, enough to look into what arrived.
#[derive(Debug, Clone, PartialEq)]
enum Thrift {
    Bool(bool),
    Number(i64),
    Double(f64),
    Text(String),
    List(Vec<Thrift>),
    Struct(BTreeMap<i16, Thrift>),
}

impl Thrift {
    fn read(input: &mut impl TInputProtocol, kind: TType) -> Self {
        match kind {
            TType::Bool => Self::Bool(input.read_bool().unwrap()),
            TType::I32 => Self::Number(input.read_i32().unwrap().into()),
            TType::I64 => Self::Number(input.read_i64().unwrap()),
            TType::Double => Self::Double(input.read_double().unwrap()),
            TType::String => Self::Text(input.read_string().unwrap()),
            TType::List => {
                let list = input.read_list_begin().unwrap();
                let kind = list.element_type;
                Self::List((0..list.size).map(|_| Self::read(input, kind)).collect())
            }
            TType::Struct => {
                let mut fields = BTreeMap::new();
                input.read_struct_begin().unwrap();
                loop {
                    let field = input.read_field_begin().unwrap();
                    if field.field_type == TType::Stop {
                        break;
                    }
                    fields.insert(field.id.unwrap(), Self::read(input, field.field_type));
                }
                input.read_struct_end().unwrap();
                Self::Struct(fields)
            }
            other => panic!("{other:?}"),
        }
    }

    fn field(&self, id: i16) -> &Self {
        match self {
            Self::Struct(fields) => fields.get(&id).unwrap_or(&Self::Bool(false)),
            other => panic!("{other:?}"),
        }
    }

    fn list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    /// The value of a tag among `self`, a list of them.
    fn tag(&self, key: &str) -> Option<&Self> {
        let tag = self.list().iter().find(|tag| tag.field(1).text() == key)?;
        let Self::Number(kind) = tag.field(2) else {
            panic!()
        };
        // Text, double, bool and long have the numbers 0 to 3 and the fields 3 to 6.
        Some(tag.field(*kind as i16 + 3))
    }
}

/// A Jaeger agent on a free port. It shares the exporter's thread, which pauses after each
/// datagram, so that its buffer never overflows.
struct Agent {
    socket: UdpSocket,
}

impl Agent {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        Self { socket }
    }

    fn endpoint(&self) -> String {
        format!("localhost:{}", self.socket.local_addr().unwrap().port())
    }

    fn exporter(&self, stats: &Arc<Stats>) -> UdpExporter {
        build(&self.endpoint(), stats).unwrap()
    }

    /// The next batch: its process and its spans.
    async fn receive(&self) -> (Thrift, Vec<Thrift>) {
        let mut buffer = vec![0; 70_000];
        let received = timeout(Duration::from_secs(5), self.socket.recv(&mut buffer));
        let length = received.await.expect("a datagram arrives").unwrap();
        assert!(length <= MAX_PACKET_BYTES, "{length}");
        let mut input = TCompactInputProtocol::new(Cursor::new(&buffer[..length]));
        let message = input.read_message_begin().unwrap();
        assert_eq!(message.name, "emitBatch");
        let arguments = Thrift::read(&mut input, TType::Struct);
        let batch = arguments.field(1);
        (batch.field(1).clone(), batch.field(2).list().to_vec())
    }
}

fn build(endpoint: &str, stats: &Arc<Stats>) -> Result<UdpExporter, ExportError> {
    let config = Jaeger {
        protocol: Protocol::Udp,
        endpoint: endpoint.to_owned(),
        ..Jaeger::default()
    };
    UdpExporter::build(&config, resource(), Arc::clone(stats))
}

#[tokio::test]
async fn a_span_arrives_whole() {
    let agent = Agent::start().await;
    let mut exporter = agent.exporter(&Arc::default());
    exporter.export(vec![span("GET /toys")]).await.unwrap();

    let (process, spans) = agent.receive().await;
    assert_eq!(process.field(1).text(), "store");
    assert_eq!(
        process.field(2).tag("service.version"),
        Some(&Thrift::Text("1.2.3".into()))
    );
    let [span] = spans.as_slice() else {
        panic!("{} spans", spans.len())
    };
    let number = |number: u64| Thrift::Number(number as i64);
    assert_eq!(span.field(1), &number(0xfedc_ba98_7654_3210));
    assert_eq!(span.field(2), &number(0x0123_4567_89ab_cdef));
    assert_eq!(span.field(3), &number(0xfedc_ba98_7654_3210));
    assert_eq!(span.field(4), &number(0x8000_0000_0000_0001));
    assert_eq!(span.field(5).text(), "GET /toys");
    assert_eq!(span.field(7), &number(1));
    assert_eq!(span.field(8), &number(1_700_000_000_000_000));
    assert_eq!(span.field(9), &number(250_000));
    let tags = span.field(10);
    for (key, expected) in [
        ("http.request.method", Thrift::Text("GET".into())),
        ("http.response.status_code", Thrift::Number(500)),
        ("ratio", Thrift::Double(0.5)),
        ("cached", Thrift::Bool(true)),
        ("tags", Thrift::Text(r#"["a\"b","c"]"#.into())),
        ("span.kind", Thrift::Text("server".into())),
        ("error", Thrift::Bool(true)),
        ("otel.status_code", Thrift::Text("ERROR".into())),
        (
            "otel.status_description",
            Thrift::Text("no such toy".into()),
        ),
        ("otel.scope.name", Thrift::Text("detective".into())),
    ] {
        assert_eq!(tags.tag(key), Some(&expected), "{key}");
    }
    let [log] = span.field(11).list() else {
        panic!("{span:?}")
    };
    assert_eq!(log.field(1), &number(1_700_000_000_100_000));
    assert_eq!(
        log.field(2).tag("event"),
        Some(&Thrift::Text("exception".into()))
    );
}

#[tokio::test]
async fn no_span_is_lost_to_its_size() {
    const COUNT: usize = 400;
    let agent = Agent::start().await;
    let stats = Arc::new(Stats::default());
    let mut exporter = agent.exporter(&stats);
    let mut random = fastrand::Rng::with_seed(7);
    let spans: Vec<_> = (0..COUNT)
        .map(|index| span_of_any_size(index, &mut random))
        .collect();

    let receive = async {
        let mut names = Vec::new();
        while names.len() < COUNT {
            let (_, spans) = agent.receive().await;
            names.extend(
                spans
                    .iter()
                    .map(|span| span.field(5).text()[..4].to_owned()),
            );
        }
        names
    };
    let (result, names) = tokio::join!(exporter.export(spans), receive);

    result.unwrap();
    let expected: Vec<_> = (0..COUNT).map(|index| format!("{index:04}")).collect();
    assert_eq!(names, expected);
    assert!(stats.dropped_count(DropReason::SpanAttributeOversize) > 0);
    assert!(stats.dropped_count(DropReason::SpanEventOversize) > 0);
}

fn span_of_any_size(index: usize, random: &mut fastrand::Rng) -> ExportSpan {
    let mut span = span(&format!("{index:04}"));
    let size = |random: &mut fastrand::Rng| match random.u8(0..40) {
        0 => random.usize(60_000..70_000),
        1 => 200_000,
        2..10 => random.usize(0..20_000),
        _ => random.usize(0..500),
    };
    for key in 0..random.usize(0..8) {
        let text = "x".repeat(size(random));
        let value = match random.u8(0..4) {
            0 => Value::TextList(vec![text.clone(), "\"\u{1}".repeat(text.len() / 8)]),
            _ => Value::Text(text.into()),
        };
        span.attributes.push((format!("key{key}").into(), value));
    }
    for _ in 0..random.usize(0..3) {
        let text = "y".repeat(size(random));
        span.events.push(ExportEvent {
            name: "event".into(),
            unix_nanos: u64::MAX,
            attributes: vec![("text".into(), Value::Text(text.into()))],
        });
    }
    if random.u8(0..50) == 0 {
        span.name.to_mut().push_str(&"ü".repeat(100_000));
        span.error = Some("ü".repeat(100_000));
    }
    span
}

#[tokio::test]
async fn events_are_shed_before_attributes_and_the_largest_first() {
    let agent = Agent::start().await;
    let stats = Arc::new(Stats::default());
    let mut exporter = agent.exporter(&stats);
    let mut large = span("large");
    large
        .attributes
        .push(("large".into(), Value::Text("x".repeat(40_000).into())));
    large
        .attributes
        .push(("larger".into(), Value::Text("x".repeat(50_000).into())));
    exporter.export(vec![large]).await.unwrap();

    let (_, spans) = agent.receive().await;
    let tags = spans[0].field(10);
    assert!(tags.tag("large").is_some());
    assert!(tags.tag("larger").is_none());
    assert_eq!(spans[0].field(11).list().len(), 0);
    assert_eq!(stats.dropped_count(DropReason::SpanEventOversize), 1);
    assert_eq!(stats.dropped_count(DropReason::SpanAttributeOversize), 1);
}

#[tokio::test]
async fn a_refused_datagram_is_counted_with_the_next_one_which_is_sent_all_the_same() {
    let agent = Agent::start().await;
    let endpoint = agent.endpoint();
    let address = agent.socket.local_addr().unwrap();
    drop(agent);
    let mut exporter = build(&endpoint, &Arc::default()).unwrap();
    exporter.export(vec![span("lost")]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;

    let socket = UdpSocket::bind(address).await.unwrap();
    let agent = Agent { socket };
    let error = exporter.export(vec![span("next")]).await.unwrap_err();
    assert!(
        matches!(error, ExportError::Failed { lost: 1, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(agent.receive().await.1[0].field(5).text(), "next");
    exporter.export(vec![span("last")]).await.unwrap();
    assert_eq!(agent.receive().await.1[0].field(5).text(), "last");
}

#[tokio::test]
async fn an_agent_that_moves_is_found_again() {
    let agent = Agent::start().await;
    let mut exporter = agent.exporter(&Arc::default());
    exporter.export(vec![span("first")]).await.unwrap();
    agent.receive().await;

    // From now on the name leads elsewhere, and the old place swallows what is sent there.
    let port = agent.socket.local_addr().unwrap().port();
    let moved = Agent {
        socket: UdpSocket::bind(("127.0.0.2", port)).await.unwrap(),
    };
    exporter.host = "127.0.0.2".to_owned();
    exporter.export(vec![span("not yet")]).await.unwrap();
    agent.receive().await;
    exporter.looked_up = Instant::now() - LOOK_UP_AGAIN;
    exporter.export(vec![span("moved")]).await.unwrap();
    assert_eq!(moved.receive().await.1[0].field(5).text(), "moved");

    // A name server that is away for a while changes nothing.
    exporter.host = "no-such-host.invalid".to_owned();
    exporter.looked_up = Instant::now() - LOOK_UP_AGAIN;
    exporter.export(vec![span("still")]).await.unwrap();
    assert_eq!(moved.receive().await.1[0].field(5).text(), "still");
}

#[tokio::test]
async fn the_agent_is_told_of_no_flag_but_sampled() {
    let agent = Agent::start().await;
    let mut exporter = agent.exporter(&Arc::default());
    let random = ExportSpan {
        flags: 3,
        ..span("random")
    };
    exporter.export(vec![random]).await.unwrap();
    assert_eq!(agent.receive().await.1[0].field(7), &Thrift::Number(1));
}

#[tokio::test]
async fn an_unknown_host_is_a_failure_of_the_export() {
    let mut exporter = build("no-such-host.invalid:6831", &Arc::default()).unwrap();
    let error = exporter
        .export(vec![span("a"), span("b")])
        .await
        .unwrap_err();
    assert!(
        matches!(error, ExportError::Failed { lost: 2, .. }),
        "{error}"
    );
}

#[test]
fn endpoints_are_a_host_and_a_port() {
    for (endpoint, host, port) in [
        ("", "localhost", 6831),
        ("jaeger", "jaeger", 6831),
        ("jaeger:7831", "jaeger", 7831),
        ("10.0.0.1:6831", "10.0.0.1", 6831),
        ("[::1]:6831", "::1", 6831),
    ] {
        assert_eq!(
            parse_endpoint(endpoint).unwrap(),
            (host.to_owned(), port),
            "{endpoint}"
        );
    }
    for endpoint in [
        "http://localhost:6831",
        "localhost:",
        "localhost:x",
        "localhost:70000",
        ":6831",
        "a b",
        "user@host:1",
    ] {
        let error = parse_endpoint(endpoint).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!(
                "`jaeger.endpoint` is `{endpoint}`, expected a host"
            )),
            "{error}"
        );
    }
}

#[test]
fn a_resource_that_leaves_no_room_is_told_at_start() {
    let resource = vec![("large".into(), Value::Text("x".repeat(40_000).into()))];
    let error = UdpExporter::build(&Jaeger::default(), resource, Arc::default()).unwrap_err();
    assert!(
        matches!(error, ExportError::ResourceTooLarge { .. }),
        "{error}"
    );
}
