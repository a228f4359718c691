//! `[http]`: which requests are recorded, and how they are named.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::config::declare::section;
use crate::config::pattern;
use crate::config::setting::choice;

section! {
    /// Which requests are recorded, and under which names.
    pub struct Http in "http" {
        /// "all" records every request; "investigated" only those that an `#[investigate]`
        /// function handles.
        live watch: Watch = Watch::All;
        /// Requests that leave no trace, row or metric: route templates or raw paths, where `*`
        /// matches any text. An empty list records everything.
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
        /// Names for paths that no route template describes, such as those of mounted services:
        /// from a pattern to the name that takes the template's place.
        live groups: BTreeMap<String, String> = BTreeMap::new(), check ROUTE_GROUPS,
            example "{ \"/legacy/*\" = \"/legacy\" }";
        /// Methods that are told apart; all others are recorded as `_OTHER`. Case-sensitive.
        restart known_methods: Vec<String> = texts(&Self::KNOWN_METHODS), check METHODS;
        /// Address ranges of the proxies whose X-Forwarded-For and Forwarded headers are
        /// believed. Empty: none, and the client is whoever opened the connection.
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
        /// Only requests that an investigated function handles.
        Investigated = "investigated",
    }
    expected "\"all\" or \"investigated\""
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}
