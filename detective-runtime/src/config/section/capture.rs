//! `[capture]`: what is kept of a request besides its route, status and times.

use crate::config::declare::section;
use crate::config::setting::choice;

section! {
    /// What is kept of a request besides its route, status, sizes and times. Bodies never are.
    pub struct Capture in "capture" {
        /// The raw path, without the query.
        live path: bool = true;
        /// Names of the query parameters that are kept. Empty: none.
        live query: Vec<String> = Vec::new(), example "[\"page\", \"sort\"]";
        /// Names of the request headers that are kept. Empty: none.
        live request_headers: Vec<String> = Vec::new(), check HEADER_NAMES,
            example "[\"accept-language\"]";
        /// Names of the response headers that are kept. Empty: none.
        live response_headers: Vec<String> = Vec::new(), check HEADER_NAMES,
            example "[\"content-type\"]";
        /// Headers that are never kept, whatever the lists above and the rules below say.
        /// Always among them: authorization, cookie, set-cookie, proxy-authorization, x-api-key
        /// and others that carry secrets.
        live deny: Vec<String> = Vec::new(), check HEADER_NAMES, example "[\"x-session\"]";
        /// The client's address: "full"; "truncated" to the network (/24, /48); "hashed", which
        /// still counts visitors; or "off".
        live client_address: ClientAddress = ClientAddress::Full;
        /// The User-Agent header.
        live user_agent: bool = true;
        /// The text of a handler's error.
        live error: bool = true;
        /// Longest text that is kept of any one value, in bytes; the rest is cut off.
        live max_text_bytes: usize = 1024, check AT_LEAST_ONE;
    }
}

choice! {
    /// What is kept of the client's address.
    pub enum ClientAddress {
        /// All of it.
        Full = "full",
        /// The network: the first 24 bits of an IPv4 address, the first 48 of an IPv6 address.
        Truncated = "truncated",
        /// A hash, which tells visitors apart without naming them.
        Hashed = "hashed",
        /// Nothing.
        Off = "off",
    }
    expected "\"full\", \"truncated\", \"hashed\" or \"off\""
}

/// Headers that carry secrets: never captured, whatever an allow-list says.
pub(crate) const DENIED_HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "set-cookie",
    "proxy-authorization",
    "proxy-authenticate",
    "www-authenticate",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-access-token",
    "x-csrf-token",
    "x-xsrf-token",
    "x-amz-security-token",
    "x-goog-iap-jwt-assertion",
    "x-vault-token",
];

impl Capture {
    /// Whether a header is never captured, by the built-in list or by [`deny`](Self::deny).
    pub fn denies(&self, header: &str) -> bool {
        let same = |denied: &str| denied.eq_ignore_ascii_case(header);
        DENIED_HEADERS.iter().any(|denied| same(denied)) || self.deny.iter().any(|name| same(name))
    }
}
