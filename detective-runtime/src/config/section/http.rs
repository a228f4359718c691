//! `[http]`: which requests are recorded, and under which names.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::config::declare::section;
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
        restart known_methods: Vec<String> = texts(&[
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
        ]), check METHODS;
        /// Address ranges of the proxies that are trusted. X-Forwarded-For and Forwarded from these
        /// proxies decide the client's address; X-Forwarded-Proto and Forwarded decide the scheme.
        /// Empty: no proxy is trusted, and the client is the peer of the connection.
        live trusted_proxies: Vec<IpNet> = Vec::new(), example "[\"10.0.0.0/8\"]";
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
