//! Who really called: the peer, or what proxies that the config trusts say of it.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, Uri};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client's address.
///
/// `X-Forwarded-For` (else `Forwarded`, RFC 7239) counts only when the peer is a trusted proxy. It is
/// walked from the right, since each proxy appends the address that it saw: the first one that is not
/// a trusted proxy is the client, and everything to its left is hearsay. `told` are the request's
/// headers, if any of them is of that kind.
pub(crate) fn client_address(peer: IpAddr, told: Option<&HeaderMap>, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let Some(headers) = told.filter(|_| is_trusted(peer, trusted)) else {
        return peer;
    };
    let mut client = peer;
    for hop in hops(headers) {
        // An unreadable hop (`unknown`, `_hidden`) ends what can be known.
        let Some(address) = parse_address(hop) else {
            break;
        };
        client = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    client
}

/// Whether the client's side of the connection was encrypted: what a trusted proxy says of it in
/// `X-Forwarded-Proto` (else `Forwarded`), where the first of several names is the client's; else the
/// scheme in the request itself, which HTTP/2 always has. `told` are the request's headers, if any of
/// them is of that kind.
pub(crate) fn is_https(
    peer: Option<SocketAddr>,
    uri: &Uri,
    told: Option<&HeaderMap>,
    trusted: &[IpNet],
) -> bool {
    let scheme = told
        .zip(peer)
        .filter(|(_, peer)| is_trusted(peer.ip().to_canonical(), trusted))
        .and_then(|(headers, _proxy)| forwarded_scheme(headers))
        .or_else(|| uri.scheme_str());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

fn forwarded_scheme(headers: &HeaderMap) -> Option<&str> {
    let first = |name: &HeaderName| headers.get(name)?.to_str().ok()?.split(',').next();
    first(&X_FORWARDED_PROTO)
        .map(str::trim)
        .or_else(|| parameter(first(&FORWARDED)?, "proto"))
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The addresses that the proxies noted, nearest first.
fn hops(headers: &HeaderMap) -> Vec<&str> {
    let list = |name: &HeaderName| {
        let values = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect::<Vec<_>>()
    };
    let mut hops = list(&X_FORWARDED_FOR);
    if hops.is_empty() {
        hops = list(&FORWARDED)
            .into_iter()
            .map(|element| parameter(element, "for").unwrap_or("unknown"))
            .collect();
    }
    hops.reverse();
    hops
}

/// A parameter of one element of `Forwarded`.
fn parameter<'a>(element: &'a str, wanted: &str) -> Option<&'a str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case(wanted)
            .then(|| value.trim_matches('"'))
    })
}

/// An address with or without a port, IPv6 with or without brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
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
mod tests {
    use super::*;

    fn check(peer: &str, headers: &[(&'static str, &str)], expected: &str) {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let map = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect::<HeaderMap>();
        assert_eq!(
            client_address(peer.parse().unwrap(), Some(&map), &trusted).to_string(),
            expected,
            "{headers:?}"
        );
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
