#![allow(clippy::unwrap_used, reason = "tests")]

mod cost;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use fastrand::Rng;
use http::{HeaderName, HeaderValue, Version};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as WireValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1 as proto;
use prost::Message;

use super::Encoder;
use crate::attribute::{Callsite, Options, Site};
use crate::clock::UnixClock;
use crate::export::{Attribute, Batch, ExportSpan, Prefix, SpanKind, wire_span};
use crate::pipeline::spans;
use crate::propagation::Trace;
use crate::record::{
    Field, HeadText, Instance, Kind, Outcome, Record, RequestBytes, Span, SpanError, UniqueRecord,
    What,
};
use crate::rules::Slot;
use crate::testing;
use crate::trace::Keep;
use crate::value::Value;

const KEYS: [&str; 9] = [
    "toy",
    "größe",
    "url.path",
    "error.type",
    "detective.keep",
    "code.line.number",
    "http.response.status_code",
    "http.request.header.x-list",
    "",
];

const SLOTS: [(&str, &str, bool); 4] = [
    ("GET", "/toys/{id}", true),
    ("POST", "/straße/{straße}/with/a/rather/long/template", true),
    ("_OTHER", "/toys/{id}", true),
    ("GET", "unmatched", false),
];

const fn callsite(name: &'static str, line: u32) -> Callsite {
    Callsite::new(Site {
        name,
        function: name,
        module: "store::toys",
        package: "store",
        version: "1.0.0",
        file: "src/toys.rs",
        line,
        options: Options::NONE,
    })
}

static FUNCTIONS: [Callsite; 3] = [
    callsite("find", 7),
    callsite(
        "find_with_a_rather_long_name_that_does_not_end_soon",
        70_000,
    ),
    callsite("größe", 0),
];

/// Records of all kinds, drawn with a seed.
struct Draw {
    rng: Rng,
    instance: Arc<Instance>,
    slots: Vec<Arc<Slot>>,
}

impl Draw {
    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())].clone()
    }

    fn often(&mut self) -> bool {
        self.rng.u8(..4) != 0
    }

    fn seldom(&mut self) -> bool {
        self.rng.u8(..5) == 0
    }

    /// A text of any length, from empty to one whose length takes three bytes.
    fn text(&mut self) -> String {
        let len = self.one(&[0, 1, 5, 20, 60, 110, 125, 127, 128, 130, 300, 17_000]);
        let len = if len > 300 && self.often() { 3 } else { len };
        let letters = self.one(&["a", "ab ", "ä", "€x", "🧸"]);
        letters.chars().cycle().take(len).collect()
    }

    fn value(&mut self) -> Value {
        match self.rng.u8(..9) {
            0 => Value::Bool(self.rng.bool()),
            1 => Value::I64(self.one(&[0, 1, -1, 127, 128, i64::MIN, i64::MAX])),
            2 => Value::I64(self.rng.i64(..) >> self.rng.u8(..64)),
            3 => Value::F64(self.one(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY])),
            4 => Value::F64(self.one(&[0.0, -0.0, 0.1, f64::MAX, f64::MIN_POSITIVE])),
            5 => {
                let len = self.rng.usize(..4);
                Value::TextList((0..len).map(|_| self.text()).collect())
            }
            6 => Value::Text(Cow::Borrowed("static")),
            _ => Value::Text(Cow::Owned(self.text())),
        }
    }

    fn key(&mut self) -> Cow<'static, str> {
        if self.seldom() {
            Cow::Owned(self.text())
        } else {
            Cow::Borrowed(self.one(&KEYS))
        }
    }

    fn error(&mut self) -> Option<Box<SpanError>> {
        self.seldom().then(|| {
            Box::new(SpanError {
                error_type: Cow::Owned(self.text()),
                message: self.text(),
            })
        })
    }

    fn address(&mut self) -> IpAddr {
        match self.rng.u8(..5) {
            4 => self.one(&[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
            0 => Ipv6Addr::from(self.rng.u128(..)).into(),
            1 => Ipv4Addr::from(self.rng.u32(..)).to_ipv6_mapped().into(),
            2 => Ipv4Addr::new(self.rng.u8(..20), 0, 255, self.rng.u8(95..105)).into(),
            _ => Ipv4Addr::from(self.rng.u32(..)).into(),
        }
    }

    fn span(&mut self, id: u64, parent: u64, is_open: bool) -> Span {
        let start = self.rng.u64(1..1 << 40);
        let what = match self.rng.u8(..7) {
            0 => What::Named(Cow::Owned(self.text()), SpanKind::Internal),
            1 => What::Named(Cow::Owned(self.text()), SpanKind::Client),
            2 => What::Named(Cow::Borrowed("SELECT toys"), SpanKind::Client),
            3 => What::Late,
            _ => What::Function(self.one(&FUNCTIONS.each_ref())),
        };
        Span {
            id,
            parent,
            start,
            end: if is_open {
                0
            } else {
                start + self.rng.u64(..1 << 30)
            },
            what,
            error: self.error(),
        }
    }

    fn headers(&mut self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        for name in ["x-list", "accept", "x-odd"] {
            for _ in 0..self.one(&[0, 0, 1, 1, 3]) {
                let value = match self.rng.u8(..4) {
                    0 => HeaderValue::from_bytes(b"\xff\xfeodd").unwrap(),
                    1 => HeaderValue::from_bytes("größe".repeat(300).as_bytes()).unwrap(),
                    2 => HeaderValue::from_static(""),
                    _ => HeaderValue::from_static("text/html"),
                };
                headers.push((HeaderName::from_static(name), value));
            }
        }
        headers
    }

    fn request(&mut self, record: &mut Record) {
        record.request.slot = if self.seldom() {
            None
        } else {
            let slots = self.slots.clone();
            Some(self.one(&slots))
        };
        let texts = [
            (HeadText::MethodOriginal, vec!["", "", "PURGE"]),
            (HeadText::Path, vec!["", "/toys/7", "/straße/%20"]),
            (HeadText::Query, vec!["", "page=2&q=b%C3%A4r"]),
            (
                HeadText::Host,
                vec![
                    "",
                    "toys.example",
                    "toys.example:8080",
                    "[::1]:80",
                    "[::1]",
                    "::1",
                    ":",
                    "host:port",
                    "host:99999",
                    "a:b:1",
                ],
            ),
            (HeadText::UserAgent, vec!["", "curl/8.0", "Mozilla/5.0 (ä)"]),
            (
                HeadText::TraceState,
                vec!["", "", "a=b", "foo@=1,bar=2", "1foo=1", "a=1,a=2", "a= 1 2"],
            ),
        ];
        for (which, choices) in texts {
            let text = if self.seldom() {
                self.text()
            } else {
                self.one(&choices).to_owned()
            };
            record.request.texts.set(which, text.as_bytes(), 2048);
        }
        record.request.https = self.rng.bool();
        record.request.version = self.one(&[
            None,
            Some(Version::HTTP_09),
            Some(Version::HTTP_10),
            Some(Version::HTTP_11),
            Some(Version::HTTP_2),
            Some(Version::HTTP_3),
        ]);
        let peer = self.address();
        record.request.peer = self
            .often()
            .then(|| SocketAddr::new(peer, self.rng.u16(..)));
        let client = if self.rng.bool() {
            peer
        } else {
            self.address()
        };
        record.request.client = self.often().then_some(client);
        record.request.headers = self.headers();
        let mut body = axum::body::Body::from("x".repeat(self.one(&[0, 1, 200])));
        record.request.body = RequestBytes::of(&mut body, None);
        record.response.headers = self.headers();
        record.response.head = self.rng.u64(..2);
        record.response.status = self.one(&[0, 200, 204, 404, 408, 500, 504]);
        record.response.bytes = self.one(&[0, 1, 127, 128, u64::MAX]);
        record.response.outcome = self.one(&[
            None,
            Some(Outcome::Ok),
            Some(Outcome::ClientError),
            Some(Outcome::ServerError),
            Some(Outcome::Panic),
            Some(Outcome::ClientDisconnect),
            Some(Outcome::Timeout),
            Some(Outcome::Shutdown),
        ]);
        record.handler.dropped = self.rng.bool();
        record.handler.failed = self.rng.bool();
        if self.seldom() {
            record.consumer = self.text();
        }
        record.dropped_spans = self.one(&[0, 0, 1, 300]);
    }

    fn record(&mut self) -> UniqueRecord {
        let kind = self.one(&[Kind::Request, Kind::Request, Kind::Work, Kind::Detached]);
        let mut record = self.instance.begin(kind);
        record.trace = Trace {
            trace_id: self.rng.u128(1..),
            span_id: self.rng.u64(1..),
            parent_span_id: self.one(&[0, 0, 1, u64::MAX]),
            flags: self.rng.u8(..),
            ..Trace::NONE
        };
        record.end = record.start + self.rng.u64(..1 << 40);
        if kind == Kind::Request {
            self.request(&mut record);
        }
        let spans = self.one(&[0, 1, 1, 2, 5]);
        for id in 0..spans {
            let parent = self.one(&[0, id, u64::MAX]);
            let is_open = self.rng.u8(..10) == 0;
            let span = self.span(record.serial.wrapping_add(id + 1), parent, is_open);
            record.spans.push(span);
        }
        for _ in 0..self.one(&[0, 0, 1, 3, 12]) {
            // Some fields belong to no span.
            let span = self.rng.bool().then(|| self.rng.u32(..spans as u32 + 2));
            let (key, value) = (self.key(), self.value());
            record.fields.push(Field { span, key, value });
        }
        record
    }
}

async fn start(toml: &str) -> (crate::Detective, Draw) {
    let (detective, sinks) = testing::start(toml).await.unwrap();
    let instance = Arc::clone(&sinks.instance);
    let slots = SLOTS
        .map(|(method, endpoint, is_route)| slot(&instance, method, endpoint, is_route))
        .to_vec();
    let draw = Draw {
        rng: Rng::with_seed(8),
        instance,
        slots,
    };
    (detective, draw)
}

fn slot(instance: &Instance, method: &str, endpoint: &str, is_route: bool) -> Arc<Slot> {
    let cells = || {
        instance
            .metrics
            .route(method, endpoint, &instance.snapshot().bounds(endpoint))
    };
    instance.slots.get(method, endpoint, is_route, cells)
}

fn batch() -> Batch {
    Batch::new(Arc::new(Prefix::new(&Vec::new())))
}

fn decode(batch: &mut Batch) -> Vec<proto::Span> {
    let message = batch.message(0..batch.len());
    let request = ExportTraceServiceRequest::decode(message).unwrap();
    let mut resource_spans = request.resource_spans;
    resource_spans
        .pop()
        .unwrap()
        .scope_spans
        .pop()
        .unwrap()
        .spans
}

/// The expected content of the bytes, built without the encoder.
fn message(span: &ExportSpan) -> proto::Span {
    let parent = span.parent_span_id;
    let kind = match span.kind {
        SpanKind::Internal => proto::span::SpanKind::Internal,
        SpanKind::Server => proto::span::SpanKind::Server,
        SpanKind::Client => proto::span::SpanKind::Client,
    };
    let is_remote = if span.parent_is_remote {
        proto::SpanFlags::ContextIsRemoteMask as u32
    } else {
        0
    };
    let code = match span.error {
        Some(_) => proto::status::StatusCode::Error,
        None => proto::status::StatusCode::Unset,
    };
    proto::Span {
        trace_id: span.trace_id.to_be_bytes().to_vec(),
        span_id: span.span_id.to_be_bytes().to_vec(),
        trace_state: span.trace_state.clone(),
        parent_span_id: if parent == 0 {
            Vec::new()
        } else {
            parent.to_be_bytes().to_vec()
        },
        flags: u32::from(span.flags) | proto::SpanFlags::ContextHasIsRemoteMask as u32 | is_remote,
        name: span.name.to_string(),
        kind: kind.into(),
        start_time_unix_nano: span.start_unix_nanos,
        end_time_unix_nano: span.end_unix_nanos,
        attributes: key_values(&span.attributes),
        events: span
            .events
            .iter()
            .map(|event| proto::span::Event {
                time_unix_nano: event.unix_nanos,
                name: event.name.to_string(),
                attributes: key_values(&event.attributes),
                dropped_attributes_count: 0,
            })
            .collect(),
        status: Some(proto::Status {
            code: code.into(),
            message: span.error.clone().unwrap_or_default(),
        }),
        ..proto::Span::default()
    }
}

fn key_values(attributes: &[Attribute]) -> Vec<KeyValue> {
    let key_value = |(key, value): &Attribute| KeyValue {
        key: key.to_string(),
        value: Some(any_value(match value {
            Value::Bool(value) => WireValue::BoolValue(*value),
            Value::I64(value) => WireValue::IntValue(*value),
            Value::F64(f64::INFINITY) => WireValue::StringValue("Infinity".to_owned()),
            Value::F64(f64::NEG_INFINITY) => WireValue::StringValue("-Infinity".to_owned()),
            Value::F64(value) if value.is_nan() => WireValue::StringValue("NaN".to_owned()),
            Value::F64(value) => WireValue::DoubleValue(*value),
            Value::Text(value) => WireValue::StringValue(value.to_string()),
            Value::TextList(values) => WireValue::ArrayValue(ArrayValue {
                values: values
                    .iter()
                    .map(|value| any_value(WireValue::StringValue(value.clone())))
                    .collect(),
            }),
        })),
        ..KeyValue::default()
    };
    attributes.iter().map(key_value).collect()
}

fn any_value(value: WireValue) -> AnyValue {
    AnyValue { value: Some(value) }
}

async fn check_records(toml: &str) {
    let (_detective, mut draw) = start(toml).await;
    let clock = UnixClock::read();
    let mut encoder = Encoder::default();
    let mut batch = batch();
    for number in 0..1000 {
        let record = draw.record();
        let keep = draw.one(&[None, Some(Keep::Error), Some(Keep::Parent)]);
        let spans = spans::convert(&record, keep, clock);
        let part = if draw.often() {
            0..spans.len()
        } else {
            draw.rng.usize(..=spans.len() / 2)..spans.len() / 2
        };
        batch.clear();
        encoder.record(&record, keep, clock, part.clone(), &mut batch);
        let expected = spans[part.clone()].iter().map(message).collect::<Vec<_>>();
        assert_eq!(decode(&mut batch), expected, "record {number}: {record:#?}");

        // The same spans, as if they had ended apart from their record.
        batch.clear();
        for span in &spans[part] {
            batch.push_with(|to| wire_span::push_value(to, span));
        }
        assert_eq!(decode(&mut batch), expected, "record {number}");
    }
}

#[tokio::test]
async fn a_thousand_records_say_as_bytes_what_they_say_as_values() {
    check_records("").await;
}

#[tokio::test]
async fn a_thousand_records_say_so_under_other_settings_too() {
    check_records(
        "[capture]\nclient_address = \"hashed\"\nmax_text_bytes = 7\n\
         [tracing]\nexception_events = false\n",
    )
    .await;
}
