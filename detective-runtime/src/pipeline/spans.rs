//! From a record to the spans that leave: OpenTelemetry's HTTP conventions, version 1.44.
//!
//! <https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md>

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Version};

use crate::clock::UnixClock;
use crate::export::{Attribute, ExportEvent, ExportSpan, SpanKind};
use crate::metrics::OTHER_METHOD;
use crate::record::{Field, HeadText, Kind, Record, Request, Span, SpanError, What, header_text};
use crate::store::Outcome;
use crate::trace::Keep;
use crate::value::Value;

/// Room for the attributes that nearly every server span has, and for a few of the program's own.
const SERVER_ATTRIBUTES: usize = 20;

/// The same for a span below it.
const ATTRIBUTES_BELOW: usize = 6;

/// Converts the spans of a record whose trace is kept, those that have not ended among them: their
/// end is zero.
pub(crate) fn convert(record: &Record, keep: Option<Keep>, clock: UnixClock) -> Vec<ExportSpan> {
    let owner = record.owner.as_ref();
    let exception_events =
        owner.is_some_and(|owner| owner.snapshot.config.tracing.exception_events);
    let mut spans = Vec::with_capacity(record.spans.len() + 1);
    let below = |span| below(record, span, clock, exception_events);
    spans.extend(record.spans.iter().map(below));
    if record.kind == Kind::Request {
        spans.push(server_span(record, keep, clock));
    }
    for field in &record.fields {
        // The record's own span comes after the others.
        let index = field
            .span
            .map_or(record.spans.len(), |index| index as usize);
        if let Some(span) = spans.get_mut(index) {
            set(&mut span.attributes, field);
        }
    }
    spans
}

/// The last value of a key counts; two of one key are not allowed in OTLP.
fn set(attributes: &mut Vec<Attribute>, field: &Field) {
    let value = field.value.clone();
    match attributes.iter_mut().find(|(key, _)| *key == field.key) {
        Some(attribute) => attribute.1 = value,
        None => attributes.push((field.key.clone(), value)),
    }
}

/// Gives a span that outlived its record the end that came after it.
pub(crate) fn complete(span: &mut ExportSpan, end: &mut ExportSpan) {
    span.end_unix_nanos = end.end_unix_nanos;
    span.attributes.append(&mut end.attributes);
    span.events.append(&mut end.events);
    span.error = end.error.take();
}

fn below(record: &Record, span: &Span, clock: UnixClock, exception_events: bool) -> ExportSpan {
    let mut attributes = Vec::with_capacity(ATTRIBUTES_BELOW);
    let (name, kind) = match &span.what {
        What::Named(name, kind) => (name.clone(), *kind),
        What::Late => (Cow::Borrowed(""), SpanKind::Internal),
        What::Function(callsite) => {
            let site = callsite.site();
            attributes.extend([
                text("code.function.name", callsite.path()),
                text("code.file.path", site.file),
                int("code.line.number", site.line),
            ]);
            (Cow::Borrowed(site.name), SpanKind::Internal)
        }
    };
    let end_unix_nanos = if span.end == 0 {
        0
    } else {
        clock.unix_nanos(span.end)
    };
    let mut events = Vec::new();
    if let Some(error) = span.error.as_deref() {
        attributes.push(text("error.type", error.error_type.clone()));
        // The calls that leave the process say what failed by their attributes alone.
        if exception_events && kind == SpanKind::Internal {
            events.push(exception(error, end_unix_nanos));
        }
    }
    ExportSpan {
        trace_id: record.trace.trace_id,
        span_id: span.id,
        parent_span_id: span.parent,
        parent_is_remote: false,
        flags: record.trace.flags,
        trace_state: record.request.texts.get(HeadText::TraceState).to_owned(),
        name,
        kind,
        start_unix_nanos: clock.unix_nanos(span.start),
        end_unix_nanos,
        attributes,
        events,
        error: span.error.as_ref().map(|error| error.message.clone()),
    }
}

fn exception(error: &SpanError, unix_nanos: u64) -> ExportEvent {
    let mut attributes = vec![text("exception.type", error.error_type.clone())];
    if !error.message.is_empty() {
        attributes.push(text("exception.message", error.message.clone()));
    }
    ExportEvent {
        name: Cow::Borrowed("exception"),
        unix_nanos,
        attributes,
    }
}

fn server_span(record: &Record, keep: Option<Keep>, clock: UnixClock) -> ExportSpan {
    let error_type = error_type(record);
    let mut attributes = Vec::with_capacity(SERVER_ATTRIBUTES);
    push_request(record, &mut attributes);
    push_response(record, &mut attributes);
    attributes.extend(
        error_type
            .clone()
            .map(|error_type| text("error.type", error_type)),
    );
    attributes.extend(keep.map(|keep| text("detective.keep", keep.as_str())));
    if record.dropped_spans > 0 {
        attributes.push(int("detective.dropped_spans", record.dropped_spans));
    }
    ExportSpan {
        trace_id: record.trace.trace_id,
        span_id: record.trace.span_id,
        parent_span_id: record.trace.parent_span_id,
        parent_is_remote: record.trace.parent_span_id != 0,
        flags: record.trace.flags,
        trace_state: record.request.texts.get(HeadText::TraceState).to_owned(),
        name: server_span_name(record),
        kind: SpanKind::Server,
        start_unix_nanos: clock.unix_nanos(record.start),
        end_unix_nanos: clock.unix_nanos(record.end),
        attributes,
        events: Vec::new(),
        // The status code or the error's type says it; a description would say it twice.
        error: error_type.map(|_| String::new()),
    }
}

/// `{method} {route}`, the method alone without a route; `HTTP` stands for an unknown method. Never
/// the path, which has no bound.
fn server_span_name(record: &Record) -> Cow<'static, str> {
    let Some(slot) = &record.request.slot else {
        return Cow::Borrowed("HTTP");
    };
    let method = if &*slot.method == OTHER_METHOD {
        "HTTP"
    } else {
        &slot.method
    };
    Cow::Owned(if slot.is_route {
        [method, " ", &slot.endpoint].concat()
    } else {
        method.to_owned()
    })
}

/// Set only when the request failed on this side: 4xx is the client's affair. An answer that looks
/// fine failed if the handler says so; its error's type is on the handler's span.
fn error_type(record: &Record) -> Option<Cow<'static, str>> {
    match record.response.outcome? {
        Outcome::Panic => Some(Cow::Borrowed("panic")),
        Outcome::ClientDisconnect => Some(Cow::Borrowed("client_disconnect")),
        Outcome::Shutdown => Some(Cow::Borrowed("shutdown")),
        Outcome::ServerError | Outcome::Timeout if record.response.status >= 500 => {
            Some(Cow::Owned(record.response.status.to_string()))
        }
        Outcome::Timeout if record.handler_dropped => Some(Cow::Borrowed("timeout")),
        Outcome::ServerError => Some(Cow::Borrowed("body")),
        Outcome::Ok if record.failed => Some(Cow::Borrowed("_OTHER")),
        // A 408 that the handler chose is a 4xx as any other.
        Outcome::Ok | Outcome::ClientError | Outcome::Timeout => None,
    }
}

fn push_request(record: &Record, attributes: &mut Vec<Attribute>) {
    let request = &record.request;
    if let Some(slot) = &request.slot {
        push_text("http.request.method", &slot.method, attributes);
        if slot.is_route {
            push_text("http.route", &slot.endpoint, attributes);
        }
    }
    let texts = &request.texts;
    let original = texts.get(HeadText::MethodOriginal);
    push_text("http.request.method_original", original, attributes);
    push_text("url.path", texts.get(HeadText::Path), attributes);
    push_text("url.query", texts.get(HeadText::Query), attributes);
    let scheme = if request.https { "https" } else { "http" };
    attributes.push(text("url.scheme", scheme));
    let user_agent = texts.get(HeadText::UserAgent);
    push_text("user_agent.original", user_agent, attributes);
    push_text("detective.consumer", &record.consumer, attributes);
    let (host, port) = split_host(texts.get(HeadText::Host));
    push_text("server.address", host, attributes);
    attributes.extend(port.map(|port| int("server.port", port)));
    attributes.extend(
        request
            .version
            .and_then(protocol_version)
            .map(|it| text("network.protocol.version", it)),
    );
    push_addresses(record, attributes);
    push_headers(
        "http.request.header.",
        &request.headers,
        max_text_bytes(record),
        attributes,
    );
}

fn push_text(key: &'static str, value: &str, attributes: &mut Vec<Attribute>) {
    if !value.is_empty() {
        attributes.push(text(key, value.to_owned()));
    }
}

fn push_addresses(record: &Record, attributes: &mut Vec<Attribute>) {
    let (Some(owner), Request { client, peer, .. }) = (&record.owner, &record.request) else {
        return;
    };
    let mode = owner.snapshot.config.capture.client_address;
    let describe = |address| owner.instance.visitors.describe(mode, Some(address));
    let client_text = client.and_then(describe);
    let peer = peer.and_then(|peer| {
        // Without a proxy the two are the same, and formatting is dear.
        let address = if Some(peer.ip()) == *client {
            client_text.clone()
        } else {
            describe(peer.ip())
        };
        Some((address?, peer.port()))
    });
    attributes.extend(client_text.map(|client| text("client.address", client)));
    if let Some((address, port)) = peer {
        attributes.push(text("network.peer.address", address));
        attributes.push(int("network.peer.port", port));
    }
}

fn push_response(record: &Record, attributes: &mut Vec<Attribute>) {
    let response = &record.response;
    // A panic has a status in the row and in the metrics, but no head was sent.
    if response.head != 0 {
        attributes.push(int("http.response.status_code", response.status));
        attributes.push(("http.response.body.size".into(), size(response.bytes)));
    }
    let request_bytes = record.request.body.get();
    if request_bytes > 0 {
        attributes.push(("http.request.body.size".into(), size(request_bytes)));
    }
    push_headers(
        "http.response.header.",
        &response.headers,
        max_text_bytes(record),
        attributes,
    );
}

fn max_text_bytes(record: &Record) -> usize {
    record
        .owner
        .as_ref()
        .map_or(0, |owner| owner.snapshot.config.capture.max_text_bytes)
}

/// Headers as the conventions want them: lower-case names, and all values in a list.
fn push_headers(
    prefix: &str,
    headers: &[(HeaderName, HeaderValue)],
    max_text_bytes: usize,
    attributes: &mut Vec<Attribute>,
) {
    for (name, value) in headers {
        let key = [prefix, name.as_str()].concat();
        let value = header_text(value, max_text_bytes).into_owned();
        match attributes.last_mut() {
            Some((last, Value::TextList(values))) if *last == key => values.push(value),
            _ => attributes.push((Cow::Owned(key), Value::TextList(vec![value]))),
        }
    }
}

fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

/// Host and port of a `Host` header; an IPv6 address loses its brackets.
fn split_host(host: &str) -> (&str, Option<u16>) {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port.parse().ok()),
        _ => (host, None),
    };
    (name.trim_start_matches('[').trim_end_matches(']'), port)
}

fn text(key: &'static str, value: impl Into<Cow<'static, str>>) -> Attribute {
    (Cow::Borrowed(key), Value::Text(value.into()))
}

fn int(key: &'static str, value: impl Into<i64>) -> Attribute {
    (Cow::Borrowed(key), Value::I64(value.into()))
}

fn size(bytes: u64) -> Value {
    Value::I64(i64::try_from(bytes).unwrap_or(i64::MAX))
}
