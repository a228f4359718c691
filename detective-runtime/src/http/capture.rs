//! What is taken down of a request and its response: facts as they are, formatted by nobody until
//! the pipeline needs them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};

use crate::config::{ClientAddress, Config};
use crate::http::client_address::{client_address, is_https};
use crate::http::slot::Slot;
use crate::http::{RequestBytes, query};
use crate::metrics::OTHER_METHOD;
use crate::record::{HeadText, Parent, Record, Trace};
use crate::rules::RouteRule;
use crate::trace::{self, FLAG_SAMPLED, PassedOn, context};

/// Takes down the head of a request, and its place in the trace.
pub(crate) fn request(
    record: &mut Record,
    request: &mut Request<Body>,
    config: &Config,
    rule: &RouteRule,
    slot: &Slot,
) {
    let limit = config.capture.max_text_bytes;
    record.trace = begin_trace(record, request.headers(), config, rule);
    let into = &mut record.request;
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0);
    let headers = request.headers();
    let texts = &mut into.texts;
    if &*slot.method == OTHER_METHOD {
        texts.set(HeadText::MethodOriginal, request.method().as_str(), limit);
    }
    if config.capture.path {
        texts.set(HeadText::Path, request.uri().path(), limit);
    }
    if let Some(text) = request.uri().query()
        && !config.capture.query.is_empty()
    {
        texts.write(HeadText::Query, limit, |query| {
            query::push_allowed(query, text, &config.capture.query);
        });
    }
    let host = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    if let Some(host) = host.or_else(|| text(headers, &HOST)) {
        texts.set(HeadText::Host, without_userinfo(host), limit);
    }
    if config.capture.user_agent
        && let Some(user_agent) = text(headers, &USER_AGENT)
    {
        texts.set(HeadText::UserAgent, user_agent, limit);
    }
    if config.capture.client_address != ClientAddress::Off {
        into.peer = peer;
        into.client =
            peer.map(|peer| client_address(peer.ip(), headers, &config.http.trusted_proxies));
    }
    into.https = is_https(peer, request.uri(), headers, &config.http.trusted_proxies);
    into.version = Some(request.version());
    copy_headers(headers, &rule.captured.request, &mut into.headers);
    into.body = RequestBytes::of(request);
}

/// Takes down the head of a response.
pub(crate) fn response(record: &mut Record, response: &Response<Body>) {
    record.response.status = response.status().as_u16();
    record.response.endless = response.status() == StatusCode::SWITCHING_PROTOCOLS
        || response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let Some((owner, slot)) = record.owner.as_ref().zip(record.request.slot.as_ref()) else {
        return;
    };
    let rule = owner.snapshot.route(slot);
    copy_headers(
        response.headers(),
        &rule.captured.response,
        &mut record.response.headers,
    );
}

fn begin_trace(
    record: &mut Record,
    headers: &HeaderMap,
    config: &Config,
    rule: &RouteRule,
) -> Trace {
    let into = &mut record.request;
    let is_believed = config.tracing.trust_inbound;
    if !rule.spans {
        if is_believed {
            into.passed_on = PassedOn::of(headers);
        }
        return Trace::NONE;
    }
    let caller = if is_believed {
        into.texts
            .write(HeadText::TraceState, usize::MAX, |trace_state| {
                trace::extract(headers, trace_state)
            })
    } else {
        None
    };
    let trace = match caller {
        Some(caller) => continued(caller.trace_id, caller.parent_id, caller.flags),
        None => sent_from_here(record).unwrap_or_else(|| Trace::root(rule.ratio)),
    };
    Trace {
        span_id: trace::span_id(),
        ..trace
    }
}

/// The trace of a request that recorded code of the same instance sends through the router itself,
/// below the span that is open there.
fn sent_from_here(record: &mut Record) -> Option<Trace> {
    context::with_record(|sender| {
        let (own, its) = record.owner.as_ref().zip(sender.owner.as_ref())?;
        if sender.trace.trace_id == 0 || !Arc::ptr_eq(&own.instance, &its.instance) {
            return None;
        }
        let state = sender.request.texts.get(HeadText::TraceState);
        let texts = &mut record.request.texts;
        texts.set(HeadText::TraceState, state, usize::MAX);
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

/// The host and port: what stands before `@` is a name and a password.
fn without_userinfo(authority: &str) -> &str {
    authority
        .rsplit_once('@')
        .map_or(authority, |(_userinfo, host)| host)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
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
