//! The span of a request, by OpenTelemetry's HTTP conventions, version 1.44.
//!
//! <https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-spans.md>

use http::{HeaderName, HeaderValue, StatusCode};

use crate::clock::UnixClock;
use crate::config::ClientAddress;
use crate::encode::attributes::{Attributes, Encoded};
use crate::encode::fields;
use crate::encode::prepared::{Beginning, Prepared};
use crate::export::wire_span::{ATTRIBUTES, Common, Place};
use crate::export::{SpanKind, wire_span};
use crate::metrics::{OTHER_METHOD, ProtocolVersion};
use crate::record::{Client, Field, HeadText, Outcome, Record, header_text};
use crate::rules::Slot;
use crate::trace::Keep;

/// `{method} {route}`, or only the method if there is no route. `HTTP` stands for an unknown
/// method. The name never contains the path, because paths are unbounded.
pub(crate) fn name(slot: Option<&Slot>) -> [&str; 3] {
    let Some(slot) = slot else {
        return ["HTTP", "", ""];
    };
    let method = if &*slot.method == OTHER_METHOD {
        "HTTP"
    } else {
        &slot.method
    };
    if slot.is_route {
        [method, " ", &slot.endpoint]
    } else {
        [method, "", ""]
    }
}

/// The attributes that are the same for all requests of a slot.
pub(crate) fn of_slot(slot: &Slot, into: &mut impl Attributes) {
    into.present_text("http.request.method", &slot.method);
    if slot.is_route {
        into.present_text("http.route", &slot.endpoint);
    }
}

pub(super) fn beginning(slot: Option<&Slot>) -> Beginning {
    Beginning::new(&name(slot), SpanKind::Server, |into| {
        if let Some(slot) = slot {
            of_slot(slot, into);
        }
    })
}

/// The attributes after those of the slot.
pub(crate) fn of_record(record: &Record, keep: Option<Keep>, into: &mut impl Attributes) {
    of_target(record, into);
    of_caller(record, into);
    of_addresses(record, into);
    of_rest(record, keep, into);
}

/// The attributes of what the request asks for.
#[inline]
fn of_target(record: &Record, into: &mut impl Attributes) {
    let texts = &record.request.texts;
    let original = texts.get(HeadText::MethodOriginal);
    into.present_text("http.request.method_original", original);
    into.present_text("url.path", texts.get(HeadText::Path));
    into.present_text("url.query", texts.get(HeadText::Query));
}

/// The attributes that most requests of one client share. They depend only on what
/// [`Caller`](crate::encode::repeated::Caller) compares.
pub(super) fn of_caller(record: &Record, into: &mut impl Attributes) {
    let request = &record.request;
    let texts = &request.texts;
    into.text("url.scheme", if request.https { "https" } else { "http" });
    let user_agent = texts.get(HeadText::UserAgent);
    into.present_text("user_agent.original", user_agent);
    let (host, port) = split_host(texts.get(HeadText::Host));
    into.present_text("server.address", host);
    if let Some(port) = port {
        into.int("server.port", port.into());
    }
    if let Some(version) = request.version.and_then(|it| ProtocolVersion(it).as_str()) {
        into.text("network.protocol.version", version);
    }
}

/// The addresses of the client and of the peer. They depend only on what
/// [`Addresses`](crate::encode::repeated::Addresses) compares.
pub(super) fn of_addresses(record: &Record, into: &mut impl Attributes) {
    let owner = &record.owner;
    let mode = owner.snapshot.config.capture.client_address;
    let describe = |address| owner.instance.visitors.visitor(mode, Some(address));
    let client_address = record.request.client;
    let client = client_address.and_then(describe);
    if let Some(client) = &client {
        address("client.address", client, into);
    }
    let Some(peer) = record.request.peer else {
        return;
    };
    // Without a proxy, the client is the peer.
    let described = if Some(peer.ip()) == client_address {
        client
    } else {
        describe(peer.ip())
    };
    if let Some(described) = described {
        address("network.peer.address", &described, into);
    }
}

/// The attributes that differ for each request.
#[inline]
fn of_rest(record: &Record, keep: Option<Keep>, into: &mut impl Attributes) {
    let capture = &record.owner.snapshot.config.capture;
    let request = &record.request;
    if let Some(peer) = request.peer
        && capture.client_address != ClientAddress::Off
    {
        into.int("network.peer.port", peer.port().into());
    }
    into.present_text("detective.consumer", &record.consumer);
    headers("http.request.header.", &request.headers, record, into);
    of_response(record, into);
    if let Some(error_type) = error_type(record) {
        into.text("error.type", error_type.as_str());
    }
    if let Some(keep) = keep {
        into.text("detective.keep", keep.as_str());
    }
    if record.dropped_spans > 0 {
        into.int("detective.dropped_spans", record.dropped_spans.into());
    }
}

/// Whether the span has the status of an error. It has no description, because the status code or
/// the error's type already says what failed.
pub(crate) fn is_error(record: &Record) -> bool {
    error_type(record).is_some()
}

pub(super) fn encode<'a>(
    (record, keep, clock): (&Record, Option<Keep>, UnixClock),
    common: &Common<'_>,
    fields: impl Iterator<Item = &'a Field>,
    prepared: &mut Prepared,
    to: &mut Vec<u8>,
) {
    let parent = record.trace.parent_span_id;
    let place = Place {
        id: record.trace.span_id,
        parent,
        parent_is_remote: parent != 0,
        start_unix_nanos: clock.unix_nanos(record.start),
        end_unix_nanos: clock.unix_nanos(record.end),
    };
    wire_span::push(to, common, &place, |to| {
        let start = match &record.request.slot {
            Some(slot) => prepared.slot(slot).push(to),
            None => beginning(None).push(to),
        };
        let tag = ATTRIBUTES;
        of_target(record, &mut Encoded { to, tag });
        prepared.repeated.caller(record, to);
        prepared.repeated.addresses(record, to);
        of_rest(record, keep, &mut Encoded { to, tag });
        fields::push(to, start, fields);
        wire_span::push_status(to, is_error(record).then_some(""));
    });
}

/// Why a request failed on the server's side.
#[derive(Debug, Clone, Copy)]
enum ErrorType {
    Named(&'static str),
    Status(StatusCode),
}

impl ErrorType {
    fn as_str(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Status(status) => status.as_str(),
        }
    }
}

/// Set only if the server failed: a 4xx is the client's error. A successful status also counts as a
/// failure if the handler reports an error. The handler's span then has the type of that error.
fn error_type(record: &Record) -> Option<ErrorType> {
    let status = record.response.status;
    Some(ErrorType::Named(match record.response.outcome? {
        Outcome::Panic => "panic",
        Outcome::ClientDisconnect => "client_disconnect",
        Outcome::Shutdown => "shutdown",
        Outcome::ServerError | Outcome::Timeout if status >= 500 => {
            return StatusCode::from_u16(status).ok().map(ErrorType::Status);
        }
        Outcome::Timeout if record.handler.dropped => "timeout",
        Outcome::ServerError => "body",
        Outcome::Ok if record.handler.failed => "_OTHER",
        // A 408 that the handler chose is like any other 4xx.
        Outcome::Ok | Outcome::ClientError | Outcome::Timeout => return None,
    }))
}

#[inline]
fn address(key: &'static str, client: &Client<'_>, into: &mut impl Attributes) {
    match client {
        Client::Address(address) => into.address(key, *address),
        Client::Text(text) => into.text(key, text),
    }
}

#[inline]
fn of_response(record: &Record, into: &mut impl Attributes) {
    let response = &record.response;
    // A panic has a status in the row and in the metrics, but no head was sent.
    if response.head != 0 {
        into.int("http.response.status_code", response.status.into());
        into.size("http.response.body.size", response.bytes);
    }
    let request_bytes = record.request.body.get();
    if request_bytes > 0 {
        into.size("http.request.body.size", request_bytes);
    }
    let prefix = "http.response.header.";
    headers(prefix, &response.headers, record, into);
}

/// Headers in the form of the conventions: lower-case names, and all values in a list.
#[inline]
fn headers(
    prefix: &str,
    headers: &[(HeaderName, HeaderValue)],
    record: &Record,
    into: &mut impl Attributes,
) {
    let limit = record.owner.snapshot.config.capture.max_text_bytes;
    for same in headers.chunk_by(|(name, _), (next, _)| name == next) {
        let values = same.iter().map(|(_, value)| header_text(value, limit));
        if let [(name, _), ..] = same {
            into.texts([prefix, name.as_str()], values);
        }
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
