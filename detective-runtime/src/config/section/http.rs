//! `[http]`: which requests are recorded, and under which names.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::config::declare::section;
use crate::config::pattern;
use crate::config::setting::choice;

section! {
    /// Which requests are recorded, and under which names.
    pub struct Http in "http" {
        /// "all" records every request. "investigated" records only the requests that an
        /// `#[investigate]` function handles.
        live watch: Watch = Watch::All;
        /// Requests that are not recorded: route templates or paths, in which `*` matches any text.
        /// Empty: every request is recorded.
        live exclude: Vec<String> = texts(&[
            "/health",
            "/healthz",
            "/health/*",
            "/live",
            "/livez",
            "/ready",
            "/readyz",
            "/ping",
            "/favicon.ico",
            "/robots.txt",
            "/.well-known/*",
            "/metrics",
            "/analytics",
            "/analytics/*",
        ]), check ROUTE_PATTERNS;
        /// Names for paths that have no route template, such as the paths of mounted services. Each
        /// entry maps a pattern to the name that is used instead of the template.
        live groups: BTreeMap<String, String> = BTreeMap::new(), check ROUTE_GROUPS,
            example "{ \"/legacy/*\" = \"/legacy\" }";
        /// Methods that are recorded by name, case-sensitive. All others are recorded as `_OTHER`.
        restart known_methods: Vec<String> = texts(&Self::KNOWN_METHODS), check METHODS;
        /// Address ranges of the proxies that are trusted. X-Forwarded-For, X-Forwarded-Proto,
        /// X-Forwarded-Host and Forwarded from these proxies decide the client's address, the scheme
        /// and the host. A trusted proxy must set these headers, append to them, or remove them; a
        /// header that it passes on unchanged is the client's word. X-Forwarded-For wins over
        /// Forwarded. Empty: no proxy is trusted, and the client is the peer of the connection.
        live trusted_proxies: Vec<IpNet> = Vec::new(), example "[\"10.0.0.0/8\"]";
    }
}

impl Http {
    /// The methods that OpenTelemetry's HTTP conventions 1.44 know.
    pub(crate) const KNOWN_METHODS: [&str; 10] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
    ];

    /// Whether nothing is recorded of a route template or a raw path.
    pub(crate) fn excludes(&self, path: &str) -> bool {
        self.exclude
            .iter()
            .any(|excluded| pattern::matches(excluded, path))
    }

    /// The name that the config gives to a path which no route matched.
    pub(crate) fn group(&self, path: &str) -> Option<&str> {
        self.groups
            .iter()
            .find(|(group, _)| pattern::matches(group, path))
            .map(|(_, name)| name.as_str())
    }
}

choice! {
    /// Which requests are recorded.
    pub enum Watch {
        /// Every request.
        All = "all",
        /// Only the requests that an investigated function handles.
        Investigated = "investigated",
    }
    expected "\"all\" or \"investigated\""
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}
