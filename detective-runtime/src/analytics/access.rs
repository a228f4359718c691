//! Who has access to `/metrics` and `/analytics`.
//!
//! A request from this machine needs no token. To be from this machine, three things must hold: the
//! peer is a loopback address; no header says that a proxy on this machine forwarded it for somebody
//! else; and the `Host` is a loopback name too. The last one is for browsers: a page from anywhere
//! can have its own name resolved to 127.0.0.1 (DNS rebinding), and then reads what it likes from
//! here as its own origin, but its requests still carry its own name as their `Host`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::extract::{ConnectInfo, Form, Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode, Version};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::post;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::detail;
use crate::record::Instance;

/// Where the sign-in form is sent to.
const SIGN_IN: &str = "/analytics/sign-in";
/// The cookie that a sign-in sets.
const COOKIE: &str = "detective_session";
/// Another header for the token, for clients whose `Authorization` is taken.
const TOKEN_HEADER: &str = "x-detective-token";
/// Headers that a proxy adds, besides those that begin with `x-forwarded`.
const FORWARDING: [&str; 9] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-envoy-external-address",
    "true-client-ip",
    "cf-connecting-ip",
];

/// Decides who has access, by the current token. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    instance: Arc<Instance>,
    known: Arc<ArcSwapOption<Known>>,
}

/// The token of one configuration.
#[derive(Debug)]
struct Known {
    generation: u64,
    token: Option<Token>,
}

/// What is kept of the token: digests, which are compared instead of the text, so that the time a
/// comparison takes says nothing about it.
struct Token {
    digest: [u8; 32],
    /// The value of the cookie. It cannot be turned back into the token, and changes with it.
    cookie: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[hidden]")
    }
}

impl Access {
    /// Access with the `analytics.token` of this instance.
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self {
            instance,
            known: Arc::default(),
        }
    }

    /// The token in force. It is digested once for each configuration. After a change, whoever has
    /// signed in with another token has to do it again.
    fn known(&self) -> Arc<Known> {
        let snapshot = self.instance.snapshot();
        let known = self.known.load_full();
        if let Some(known) = known.filter(|known| known.generation == snapshot.generation) {
            return known;
        }
        let token = snapshot.config.analytics.token.as_ref();
        let known = Arc::new(Known {
            generation: snapshot.generation,
            token: token.map(|token| Token::new(token.expose())),
        });
        self.known.store(Some(Arc::clone(&known)));
        known
    }

    /// The routes of `router` behind the access check. The fallback has no check, because the fallback
    /// of an application may replace it.
    pub(crate) fn protect(&self, router: Router) -> Router {
        // axum panics when there is nothing to put the layer on.
        if !router.has_routes() {
            return router;
        }
        router.route_layer(middleware::from_fn_with_state(self.clone(), check))
    }

    /// The route that takes the token from the sign-in form. It must have no access check.
    pub(crate) fn sign_in_route(&self) -> Router {
        Router::new()
            .route(SIGN_IN, post(sign_in))
            .with_state(self.clone())
    }

    /// Lets the request pass, or says why not.
    fn admit(&self, request: &Request) -> Result<(), Box<Response>> {
        let Err(reason) = is_local(request) else {
            return Ok(());
        };
        let known = self.known();
        let Some(token) = &known.token else {
            return Err(Box::new(detail(
                StatusCode::FORBIDDEN,
                &format!(
                    "{reason}; without a token only this machine has access: send the request \
                     directly to `localhost`, or set `analytics.token` \
                     (DETECTIVE_ANALYTICS__TOKEN)"
                ),
            )));
        };
        if token.is_in(request.headers()) {
            return Ok(());
        }
        Err(Box::new(refusal(request)))
    }
}

impl Token {
    fn new(token: &str) -> Self {
        Self {
            digest: digest("token", token),
            cookie: digest_hex(&digest("cookie", token)),
        }
    }

    fn is_in(&self, headers: &HeaderMap) -> bool {
        let bearer = headers
            .get_all(header::AUTHORIZATION)
            .iter()
            .filter_map(|value| value.to_str().ok()?.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let header = headers
            .get_all(TOKEN_HEADER)
            .iter()
            .filter_map(|value| value.to_str().ok());
        bearer.chain(header).any(|token| self.matches(token)) || self.is_in_cookies(headers)
    }

    fn matches(&self, token: &str) -> bool {
        digest("token", token) == self.digest
    }

    fn is_in_cookies(&self, headers: &HeaderMap) -> bool {
        let expected = digest("comparison", &self.cookie);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .any(|(name, value)| name == COOKIE && digest("comparison", value) == expected)
    }
}

async fn check(State(access): State<Access>, request: Request, next: Next) -> Response {
    let response = match access.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => *refusal,
    };
    with_safe_headers(response)
}

fn with_safe_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// Whether a request comes from this machine, or else why it does not seem to.
fn is_local(request: &Request) -> Result<(), String> {
    let (uri, headers) = (request.uri(), request.headers());
    let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
        return Err(
            "the client's address is not known: serve with `detective.serve` or with \
             `into_make_service_with_connect_info::<SocketAddr>()`"
                .to_owned(),
        );
    };
    if !is_loopback(peer.ip()) {
        return Err(format!("the client `{}` is on another machine", peer.ip()));
    }
    // A proxy that is told nothing else passes requests on by HTTP/1.0, to a loopback `Host`, and with
    // no header that says so: nginx before 1.29.7.
    if request.version() == Version::HTTP_10 {
        return Err("the request uses HTTP/1.0, as some proxies do".to_owned());
    }
    let forwarding = headers.keys().find(|name| {
        name.as_str().starts_with("x-forwarded") || FORWARDING.contains(&name.as_str())
    });
    if let Some(name) = forwarding {
        return Err(format!(
            "the header `{name}` says that a proxy forwarded the request"
        ));
    }
    let hosts: Vec<&str> = headers
        .get_all(header::HOST)
        .iter()
        .map(|host| host.to_str().unwrap_or_default())
        .collect();
    // An address in the request line takes the place of a missing `Host`, and has to agree with one
    // that is there.
    let authority = uri.authority().map(|authority| authority.as_str());
    if hosts.is_empty() && authority.is_none() {
        return Err("the request has no `Host`".to_owned());
    }
    if hosts.len() > 1 || !hosts.into_iter().chain(authority).all(is_loopback_host) {
        return Err("the request's `Host` is not `localhost` or a loopback address".to_owned());
    }
    Ok(())
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// `localhost`, `127.0.0.0/8` or `[::1]`, with or without a port.
fn is_loopback_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        // The last colon of an address in brackets belongs to it.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return false;
    }
    if let Some(address) = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        return address
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| is_loopback(address.into()));
    }
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The answer to a request without the token: a form for a person, JSON for a program.
fn refusal(request: &Request) -> Response {
    let wants_page = request.method() == Method::GET
        && matches!(request.uri().path(), "/analytics" | "/analytics/")
        && request
            .headers()
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
    if wants_page {
        return form(StatusCode::UNAUTHORIZED, "");
    }
    let mut response = detail(
        StatusCode::UNAUTHORIZED,
        "the token is missing or wrong, expected the value of `analytics.token` as \
         `Authorization: Bearer ...` or `X-Detective-Token: ...`, or a sign-in at `/analytics`",
    );
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    token: String,
}

async fn sign_in(
    State(access): State<Access>,
    headers: HeaderMap,
    Form(sign_in): Form<SignIn>,
) -> Response {
    let response = match &access.known().token {
        None => detail(
            StatusCode::FORBIDDEN,
            "sign-in needs a token, and none is set: set `analytics.token` (DETECTIVE_ANALYTICS__TOKEN)",
        ),
        Some(token) if token.matches(sign_in.token.trim()) => {
            // Behind a proxy that ends TLS, the browser must not send the cookie without it.
            let encrypted = headers
                .get_all("x-forwarded-proto")
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|protocol| protocol.trim().eq_ignore_ascii_case("https"));
            let secure = if encrypted { "; Secure" } else { "" };
            let cookie = format!(
                "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict{secure}",
                token.cookie
            );
            ([(header::SET_COOKIE, cookie)], Redirect::to("/analytics")).into_response()
        }
        Some(_) => form(StatusCode::UNAUTHORIZED, "<p>The token is wrong.</p>"),
    };
    with_safe_headers(response)
}

fn form(status: StatusCode, message: &'static str) -> Response {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><title>Detective</title>\
         <style>body{{font:1rem system-ui;max-width:20rem;margin:20vh auto}}</style>\
         <h1>Detective</h1>{message}<form method=post action=\"{SIGN_IN}\">\
         <label>Token <input type=password name=token autofocus required \
         autocomplete=current-password></label> <button>Sign in</button></form>"
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                  frame-ancestors 'none'";
    (
        status,
        [(header::CONTENT_SECURITY_POLICY, policy)],
        Html(page),
    )
        .into_response()
}

/// SHA-256 of a text, with what it is for in front, so that no digest serves for another use.
fn digest(purpose: &str, text: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"detective ");
    hash.update(purpose.as_bytes());
    hash.update(b"\0");
    hash.update(text.as_bytes());
    hash.finalize().into()
}

fn digest_hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
