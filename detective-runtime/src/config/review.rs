//! What only the whole configuration shows: keys that do not fit each other.

use super::check::{is_host_and_port, is_http};
use super::diagnostic::Diagnostic;
use super::loaded::Provenance;
use super::{Config, Protocol};

/// What cannot work.
pub(super) fn mistakes(config: &Config, provenance: &Provenance) -> Vec<Diagnostic> {
    endpoint(config, provenance).into_iter().collect()
}

/// What works otherwise than it seems.
pub(super) fn warnings(config: &Config, provenance: &Provenance) -> Vec<Diagnostic> {
    let capture = &config.capture;
    let mut lists: Vec<(Vec<&str>, &[String])> = vec![
        (vec!["capture", "request_headers"], &capture.request_headers),
        (
            vec!["capture", "response_headers"],
            &capture.response_headers,
        ),
    ];
    for (table, rules) in [
        ("routes", &config.routes),
        ("investigate", &config.investigate),
    ] {
        for (pattern, rule) in rules {
            if let Some(headers) = &rule.request_headers {
                lists.push((vec![table, pattern, "request_headers"], headers));
            }
            if let Some(headers) = &rule.response_headers {
                lists.push((vec![table, pattern, "response_headers"], headers));
            }
        }
    }
    let mut warnings = Vec::new();
    for (path, headers) in lists {
        for header in headers.iter().filter(|header| capture.denies(header)) {
            let place = provenance.place(&path).clone();
            let message = format!("`{header}` is never captured, because it is on the deny list");
            warnings.push(Diagnostic::new(place, message));
        }
    }
    warnings
}

/// An agent is reached by host and port, a collector by an address.
fn endpoint(config: &Config, provenance: &Provenance) -> Option<Diagnostic> {
    let endpoint = config.jaeger.endpoint.as_str();
    let (fits, protocol, expected) = match config.jaeger.protocol {
        Protocol::OtlpHttp => (is_http(endpoint), "otlp-http", "\"http://localhost:4318\""),
        Protocol::OtlpGrpc => (is_http(endpoint), "otlp-grpc", "\"http://localhost:4317\""),
        Protocol::Udp => (is_host_and_port(endpoint), "udp", "\"localhost:6831\""),
        Protocol::Off => return None,
    };
    if endpoint.is_empty() || fits {
        return None;
    }
    let place = provenance.place(&["jaeger", "endpoint"]).clone();
    let message = format!(
        "`jaeger.endpoint` is `\"{endpoint}\"`, expected an address such as {expected} for the protocol {protocol}"
    );
    Some(Diagnostic::new(place, message))
}
