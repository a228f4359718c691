//! `[capture]`: which data of a request are recorded, besides its route, status and times.

use crate::config::declare::section;
use crate::config::setting::choice;

section! {
    /// Which data of a request are recorded, besides its route, status, sizes and times. Bodies are
    /// never recorded.
    pub struct Capture in "capture" {
        /// Whether the path is recorded, without the query.
        live path: bool = true;
        /// Names of the query parameters to record. Empty: none.
        live query: Vec<String> = Vec::new(), example "[\"page\", \"sort\"]";
        /// Names of the request headers to record. Empty: none.
        live request_headers: Vec<String> = Vec::new(), check HEADER_NAMES,
            example "[\"accept-language\"]";
        /// Names of the response headers to record. Empty: none.
        live response_headers: Vec<String> = Vec::new(), check HEADER_NAMES,
            example "[\"content-type\"]";
        /// Names of headers that are never recorded, even if a list above or a rule below names
        /// them. authorization, cookie, set-cookie, proxy-authorization, x-api-key and other
        /// headers that carry secrets are always denied.
        live deny: Vec<String> = Vec::new(), check HEADER_NAMES, example "[\"x-session\"]";
        /// How the client's address is recorded: "full"; "truncated" to the network (/24 for IPv4,
        /// /48 for IPv6); "hashed", with a key that changes at each start; or "off".
        live client_address: ClientAddress = ClientAddress::Full;
        /// Whether the User-Agent header is recorded.
        live user_agent: bool = true;
        /// Whether the texts of errors and panics are recorded.
        live error: bool = true;
        /// Maximum length of one recorded text, in bytes. Longer texts are cut off.
        live max_text_bytes: usize = 1024, check AT_LEAST_ONE;
    }
}

choice! {
    /// How the client's address is recorded.
    pub enum ClientAddress {
        /// The whole address.
        Full = "full",
        /// The network: the first 24 bits of an IPv4 address, the first 48 of an IPv6 address.
        Truncated = "truncated",
        /// A hash. It tells clients apart, but does not show the address.
        Hashed = "hashed",
        /// Nothing.
        Off = "off",
    }
    expected "\"full\", \"truncated\", \"hashed\" or \"off\""
}

/// Headers that carry secrets. They are never captured, even if a list names them.
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
