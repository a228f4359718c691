//! Copies facts from a request and its response. They are formatted later, when the pipeline needs
//! them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Body as _;

use crate::config::ClientAddress;
use crate::http::known_headers::KnownHeaders;
use crate::http::origin::Origin;
use crate::http::query;
use crate::metrics::OTHER_METHOD;
use crate::propagation::{FLAG_SAMPLED, Parent, PassedOn, TRACESTATE, Trace, extract};
use crate::record::{HeadText, Record, RequestBytes};
use crate::trace::context;

/// Copies the head of a request and determines its place in the trace, under the rule of its slot.
pub(crate) fn request(record: &mut Record, request: &mut Request<Body>) {
    let known = KnownHeaders::of(request.headers());
    record.trace = begin_trace(record, &known, request.headers());
    let (owner, Some(slot)) = (&record.owner, &record.request.slot) else {
        return;
    };
    let config = &owner.snapshot.config;
    let limit = config.capture.max_text_bytes;
    let captured = &owner.snapshot.route(slot).captured;
    let is_other_method = &*slot.method == OTHER_METHOD;
    let into = &mut record.request;
    let texts = &mut into.texts;
    let headers = request.headers();
    if is_other_method {
        let method = request.method().as_str().as_bytes();
        texts.set(HeadText::MethodOriginal, method, limit);
    }
    if config.capture.path {
        texts.set(HeadText::Path, request.uri().path().as_bytes(), limit);
    }
    if let Some(text) = request.uri().query()
        && !config.capture.query.is_empty()
    {
        texts.write(HeadText::Query, limit, |query| {
            query::push_allowed(query, text, &config.capture.query);
        });
    }
    if config.capture.user_agent
        && let Some(user_agent) = known.user_agent
    {
        texts.set(HeadText::UserAgent, user_agent.as_bytes(), limit);
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|info| info.0);
    let forwarding = known.is_forwarded.then_some(headers);
    let proxies = &config.http.trusted_proxies;
    let address = peer.map(|peer| peer.ip());
    let origin = Origin::of(address, request.uri(), forwarding, proxies);
    if config.capture.client_address != ClientAddress::Off {
        into.peer = peer;
        into.client = origin.client;
    }
    into.https = origin.https;
    let authority = request.uri().authority();
    let authority = authority.map(|authority| authority.as_str().as_bytes());
    let asked = authority.or_else(|| Some(known.host?.as_bytes()));
    if let Some(host) = origin.host.or(asked) {
        texts.set(HeadText::Host, without_userinfo(host), limit);
    }
    into.version = Some(request.version());
    copy_headers(headers, &captured.request, &mut into.headers);
    let announced = known.content_length.and_then(announced_length);
    into.body = RequestBytes::of(request.body_mut(), announced);
}

/// Copies the head of a response.
pub(crate) fn response(record: &mut Record, response: &Response<Body>) {
    record.response.status = response.status().as_u16();
    record.response.endless =
        response.status() == StatusCode::SWITCHING_PROTOCOLS || is_event_stream(response);
    let (owner, Some(slot)) = (&record.owner, &record.request.slot) else {
        return;
    };
    let rule = owner.snapshot.route(slot);
    copy_headers(
        response.headers(),
        &rule.captured.response,
        &mut record.response.headers,
    );
}

/// The value of a `Content-Length`.
pub(crate) fn announced_length(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

/// Whether the body is an event stream of unknown length.
fn is_event_stream(response: &Response<Body>) -> bool {
    response.body().size_hint().exact().is_none()
        && response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

fn begin_trace(record: &mut Record, known: &KnownHeaders<'_>, headers: &HeaderMap) -> Trace {
    let (owner, Some(slot)) = (&record.owner, &record.request.slot) else {
        return Trace::NONE;
    };
    let rule = owner.snapshot.route(slot);
    let is_believed = owner.snapshot.config.tracing.trust_inbound;
    let into = &mut record.request;
    if !rule.spans {
        into.passed_on = PassedOn::of(headers, || is_believed);
        return Trace::NONE;
    }
    let caller = if is_believed {
        let texts = &mut into.texts;
        texts.write(HeadText::TraceState, usize::MAX, |trace_state| {
            let trace_states = known.has_trace_state.then(|| headers.get_all(&TRACESTATE));
            extract(known.traceparent(), trace_states, trace_state)
        })
    } else {
        None
    };
    let trace = match caller {
        Some(caller) => continued(caller.trace_id, caller.parent_id, caller.flags),
        None => {
            let ratio = rule.ratio;
            sent_from_here(record).unwrap_or_else(|| Trace::root(ratio))
        }
    };
    Trace {
        span_id: record.serial,
        ..trace
    }
}

/// The trace for a request that recorded code of the same instance sends through a router in the
/// same process. Its parent is the span that is open there.
fn sent_from_here(record: &mut Record) -> Option<Trace> {
    context::with_record(|sender| {
        let (own, its) = (&record.owner, &sender.owner);
        if sender.trace.trace_id == 0 || !Arc::ptr_eq(&own.instance, &its.instance) {
            return None;
        }
        let state = sender.request.texts.get(HeadText::TraceState);
        let texts = &mut record.request.texts;
        texts.set(HeadText::TraceState, state.as_bytes(), usize::MAX);
        let trace = &sender.trace;
        Some(continued(
            trace.trace_id,
            sender.current_span_id(),
            trace.flags,
        ))
    })
    .flatten()
}

fn continued(trace_id: u128, parent_span_id: u64, flags: u8) -> Trace {
    Trace {
        trace_id,
        parent_span_id,
        flags,
        parent: if flags & FLAG_SAMPLED == 0 {
            Parent::NotSampled
        } else {
            Parent::Sampled
        },
        ..Trace::NONE
    }
}

/// The host and port. The part before `@` is a name and a password.
fn without_userinfo(authority: &[u8]) -> &[u8] {
    let at = authority.iter().rposition(|byte| *byte == b'@');
    at.map_or(authority, |at| &authority[at + 1..])
}

fn copy_headers(from: &HeaderMap, names: &[HeaderName], to: &mut Vec<(HeaderName, HeaderValue)>) {
    for name in names {
        to.extend(
            from.get_all(name)
                .iter()
                .map(|value| (name.clone(), value.clone())),
        );
    }
}
