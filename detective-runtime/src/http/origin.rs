//! Where a request comes from: the peer, or what trusted proxies say of the client's side.
//!
//! Header values are bytes, and a client may send any. Each proxy appends what it saw itself, so the
//! headers are read from the right: an element is worth as much as the proxy that appended it, whatever
//! stands to its left.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, Uri};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The client's side of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    /// `None` when the peer's address is not known.
    pub(crate) client: Option<IpAddr>,
    /// Whether the client's connection was encrypted.
    pub(crate) https: bool,
    /// The host that the client asked for, where a proxy says that it was another one than `Host`.
    pub(crate) host: Option<&'a [u8]>,
}

impl<'a> Origin<'a> {
    /// `forwarding` are the request's headers, if any of them is one that a proxy adds. They count only
    /// when the peer is a trusted proxy. The scheme is otherwise the one in the request itself, which
    /// HTTP/2 always has.
    pub(crate) fn of(
        peer: Option<IpAddr>,
        uri: &Uri,
        forwarding: Option<&'a HeaderMap>,
        trusted: &[IpNet],
    ) -> Self {
        let peer = peer.map(|peer| peer.to_canonical());
        let proxy = peer.filter(|peer| is_trusted(*peer, trusted));
        match (proxy, forwarding) {
            (Some(proxy), Some(headers)) => told(proxy, uri, headers, trusted),
            _ => Self {
                client: peer,
                https: uri.scheme_str().is_some_and(is_https),
                host: None,
            },
        }
    }
}

/// What the proxies say. The nearest of them is `proxy`; the client is the first address that is not a
/// trusted proxy, and everything to its left is hearsay.
///
/// `Forwarded` (RFC 7239) counts only where there is no `X-Forwarded-For` at all: a proxy that appends
/// to one of them passes the other on as the client sent it. So a proxy that writes `Forwarded` alone must
/// remove `X-Forwarded-For`, as the documentation of `http.trusted_proxies` says.
fn told<'a>(proxy: IpAddr, uri: &Uri, headers: &'a HeaderMap, trusted: &[IpNet]) -> Origin<'a> {
    let mut client = proxy;
    let by_address = headers.contains_key(&X_FORWARDED_FOR);
    let mut element = None;
    let list = if by_address {
        X_FORWARDED_FOR
    } else {
        FORWARDED
    };
    for hop in from_the_right(headers, list) {
        element = Some(hop);
        let address = if by_address {
            Some(hop)
        } else {
            parameter(hop, b"for")
        };
        // An unreadable hop (`unknown`, `_hidden`) ends what can be known.
        let Some(address) = address.and_then(parse_address) else {
            break;
        };
        client = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    // A proxy that keeps these lists appends to each of them, or sets it anew: either way its word is
    // the last. What stands to the left may be the client's.
    let said = |name: HeaderName, key: &[u8]| {
        let nearest = from_the_right(headers, name).next();
        nearest.or_else(|| parameter(element.filter(|_| !by_address)?, key))
    };
    let scheme = said(X_FORWARDED_PROTO, b"proto").and_then(|it| std::str::from_utf8(it).ok());
    Origin {
        client: Some(client),
        https: scheme.or_else(|| uri.scheme_str()).is_some_and(is_https),
        host: said(X_FORWARDED_HOST, b"host"),
    }
}

fn is_https(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https")
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The elements of a list (RFC 9110, 5.6.1) over all its lines, the last first, without empty ones and
/// surrounding white space.
fn from_the_right<'a>(
    headers: &'a HeaderMap,
    name: HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let lines = headers.get_all(name).iter().rev();
    lines
        .flat_map(|line| split_from_the_right(line.as_bytes(), b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// What stands between separators, the last first. A separator in quotes separates nothing.
///
/// The quotes are found from the right, so that one which the client left open spoils only what stands
/// to its left. Lists of `X-Forwarded-*` have no quotes by any rule; there it changes nothing.
fn split_from_the_right(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let at = last_unquoted(text, separator);
        rest = at.map(|at| &text[..at]);
        Some(&text[at.map_or(0, |at| at + 1)..])
    })
}

/// The last separator that is not in quotes.
fn last_unquoted(text: &[u8], separator: u8) -> Option<usize> {
    let mut quoted = false;
    (0..text.len()).rev().find(|&at| {
        let backslashes = text[..at].iter().rev().take_while(|it| **it == b'\\');
        quoted ^= text[at] == b'"' && backslashes.count() % 2 == 0;
        text[at] == separator && !quoted
    })
}

/// A parameter of one element of `Forwarded`, without its quotes.
fn parameter<'a>(element: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    split_from_the_right(element, b';').find_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at_checked(wanted.len())?;
        let value = value.strip_prefix(b"=")?;
        let bare = || value.strip_prefix(b"\"")?.strip_suffix(b"\"");
        name.eq_ignore_ascii_case(wanted)
            .then(|| bare().unwrap_or(value))
            .filter(|value| !value.is_empty())
    })
}

/// An address with or without a port, IPv6 with or without brackets.
fn parse_address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    let bare = || {
        text.strip_prefix('[')?
            .strip_suffix(']')?
            .parse::<IpAddr>()
            .ok()
    };
    address.or_else(bare).map(|address| address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn origin(peer: &str, list: &[(&'static str, &str)], check: impl FnOnce(&Origin<'_>)) {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            // Each `ä` stands for one byte above 127.
            let value: Vec<u8> = value.chars().map(|it| it as u8).collect();
            headers.append(*name, HeaderValue::from_bytes(&value).unwrap());
        }
        let (peer, uri) = (peer.parse().ok(), Uri::from_static("/"));
        check(&Origin::of(peer, &uri, Some(&headers), &trusted));
    }

    fn check(peer: &str, headers: &[(&'static str, &str)], expected: &str) {
        origin(peer, headers, |origin| {
            let client = origin.client.map(|client| client.to_string());
            assert_eq!(client.as_deref(), Some(expected), "{headers:?}");
        });
    }

    #[test]
    fn what_a_client_sends_never_hides_what_the_proxy_appends() {
        for sent in [
            "ä", "\"", "\\\"", "6.6.6.6", "for=\"", ",,", "", " ", "[", "6.6.6.6,",
        ] {
            let list = format!("{sent}, 198.51.100.1");
            check("10.0.0.1", &[("x-forwarded-for", &list)], "198.51.100.1");
            let lines = [
                ("x-forwarded-for", sent),
                ("x-forwarded-for", "198.51.100.1"),
            ];
            check("10.0.0.1", &lines, "198.51.100.1");
            let list = format!("{sent}, for=198.51.100.1");
            check("10.0.0.1", &[("forwarded", &list)], "198.51.100.1");
        }
        let both = [
            ("x-forwarded-for", "ä, 198.51.100.1"),
            ("forwarded", "for=6.6.6.6"),
        ];
        check("10.0.0.1", &both, "198.51.100.1");
        let unreadable = [("x-forwarded-for", "ä"), ("forwarded", "for=6.6.6.6")];
        check("10.0.0.1", &unreadable, "10.0.0.1");
    }

    #[test]
    fn quotes_and_backslashes_of_a_client_end_where_they_began() {
        for forwarded in [
            "host=\"a;for=6.6.6.6;b\";for=198.51.100.1",
            "for=6.6.6.6;a=\", for=198.51.100.1;host=\"x\\\\\"",
            "for=6.6.6.6;a=\", for=198.51.100.1;host=\"x\\\"y\"",
        ] {
            check("10.0.0.1", &[("forwarded", forwarded)], "198.51.100.1");
        }
    }

    #[test]
    fn lists_have_a_grammar() {
        for (list, expected) in [
            ("198.51.100.1,", "198.51.100.1"),
            ("198.51.100.1, ,\t10.0.0.2 ,,", "198.51.100.1"),
        ] {
            check("10.0.0.1", &[("x-forwarded-for", list)], expected);
        }
        let quoted = "for=6.6.6.6, for=198.51.100.1;ext=\"a, for=7.7.7.7\"";
        check("10.0.0.1", &[("forwarded", quoted)], "198.51.100.1");
    }

    #[test]
    fn scheme_and_host_are_those_that_the_client_used() {
        let check = |headers: &[(&'static str, &str)], https: bool, host: Option<&str>| {
            origin("10.0.0.1", headers, |origin| {
                assert_eq!(origin.https, https, "{headers:?}");
                assert_eq!(origin.host, host.map(str::as_bytes), "{headers:?}");
            });
        };
        let client = ("x-forwarded-for", "198.51.100.1");
        check(&[client], false, None);
        check(&[client, ("x-forwarded-proto", "https")], true, None);
        // The client sent the first, and the proxy appended the second.
        check(&[client, ("x-forwarded-proto", "https, http")], false, None);
        check(&[client, ("x-forwarded-proto", "ä, HTTPS")], true, None);
        let chain = ("x-forwarded-for", "198.51.100.1, 10.0.0.2");
        check(&[chain, ("x-forwarded-proto", "https, http")], false, None);
        check(&[chain, ("x-forwarded-proto", "https")], true, None);
        let hosts = ("x-forwarded-host", "evil.example, toys.example");
        check(&[client, hosts], false, Some("toys.example"));
        let forwarded =
            "for=6.6.6.6;proto=http, for=198.51.100.1;proto=https;host=\"toys.example:8443\"";
        check(&[("forwarded", forwarded)], true, Some("toys.example:8443"));
        // What the client sends as its `Host` stands in quotes, and ends nothing.
        let quoted = "host=\"a;for=6.6.6.6;proto=https;b\";for=198.51.100.1;proto=http";
        check(
            &[("forwarded", quoted)],
            false,
            Some("a;for=6.6.6.6;proto=https;b"),
        );
        // Nobody vouches for a `Forwarded` beside what the proxy appends to.
        check(
            &[
                client,
                ("forwarded", "for=6.6.6.6;proto=https;host=evil.example"),
            ],
            false,
            None,
        );
    }

    #[test]
    fn a_stranger_chooses_nothing() {
        let headers = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
        ];
        for peer in ["203.0.113.9", "unknown"] {
            origin(peer, &headers, |origin| {
                assert_eq!((origin.https, origin.host), (false, None));
            });
        }
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        check(
            "203.0.113.9",
            &[("x-forwarded-for", "198.51.100.1")],
            "203.0.113.9",
        );
        check(
            "203.0.113.9",
            &[("forwarded", "for=198.51.100.1")],
            "203.0.113.9",
        );
    }

    #[test]
    fn a_trusted_proxy_is_believed_from_the_right() {
        check("10.0.0.1", &[], "10.0.0.1");
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "198.51.100.1")],
            "198.51.100.1",
        );
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "6.6.6.6, 198.51.100.1, 10.0.0.2")],
            "198.51.100.1",
        );
        check(
            "::ffff:10.0.0.1",
            &[("x-forwarded-for", "198.51.100.1")],
            "198.51.100.1",
        );
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "6.6.6.6, unknown, 10.0.0.2")],
            "10.0.0.2",
        );
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")],
            "10.0.0.3",
        );
    }

    #[test]
    fn ports_and_brackets_are_left_out() {
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "198.51.100.1:4711")],
            "198.51.100.1",
        );
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "[2001:db8::1]:4711")],
            "2001:db8::1",
        );
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "2001:db8::1")],
            "2001:db8::1",
        );
        check(
            "10.0.0.1",
            &[("forwarded", "for=\"[2001:db8::1]\";proto=https")],
            "2001:db8::1",
        );
        check(
            "10.0.0.1",
            &[("forwarded", "for=192.0.2.60;by=10.0.0.1, for=198.51.100.1")],
            "198.51.100.1",
        );
    }
}
