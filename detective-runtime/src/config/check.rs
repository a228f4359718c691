//! What a value must fulfil beyond its type.

use figment::value::Value;
use http::{HeaderName, Method, Uri};

use super::pattern;
use super::setting::{Part, Setting, Wrong, number, whole_number};

/// A condition on a value of the right type.
#[derive(Debug)]
pub(super) struct Check {
    /// The accepted values in words, to follow "expected".
    pub(super) expected: &'static str,
    /// The least and the most of a number, where that is all that is asked.
    pub(super) range: Option<(f64, Option<f64>)>,
    /// Tells what is wrong with a value.
    pub(super) verify: fn(&Value) -> Result<(), Wrong>,
}

/// A ratio.
pub(super) const SHARE: Check = Check {
    expected: "a number from 0.0 to 1.0",
    range: Some((0.0, Some(1.0))),
    verify: |value| whole(number(value).is_some_and(|share| (0.0..=1.0).contains(&share))),
};

/// A size of something that cannot be empty.
pub(super) const AT_LEAST_ONE: Check = Check {
    expected: "a whole number, 1 or more",
    range: Some((1.0, None)),
    verify: |value| whole(whole_number(value).is_some_and(|number| number >= 1)),
};

/// A time that must pass.
pub(super) const LONGER_THAN_ZERO: Check = Check {
    expected: "a duration longer than zero, such as \"250ms\", \"1s\" or \"2m\"",
    range: None,
    verify: |value| whole(std::time::Duration::read(value).is_ok_and(|time| !time.is_zero())),
};

/// The bounds of a histogram.
pub(super) const BOUNDS: Check = Check {
    expected: "a list of seconds above 0, each larger than the one before",
    range: None,
    verify: |value| {
        let bounds: Vec<f64> = value
            .as_array()
            .unwrap_or_default()
            .iter()
            .filter_map(number)
            .collect();
        let positive = bounds.first().is_some_and(|first| *first > 0.0);
        let finite = bounds.iter().all(|bound| bound.is_finite());
        whole(positive && finite && bounds.is_sorted_by(|one, next| one < next))
    },
};

/// Names of HTTP headers.
pub(super) const HEADER_NAMES: Check = Check {
    expected: "a list of header names",
    range: None,
    verify: |value| {
        items(value, "a header name, such as \"content-type\"", |name| {
            HeaderName::try_from(name).is_ok()
        })
    },
};

/// A table from header names to values.
pub(super) const HEADERS: Check = Check {
    expected: "a table of headers",
    range: None,
    verify: |value| {
        names(value, "a header name, such as \"authorization\"", |name| {
            HeaderName::try_from(name).is_ok()
        })
    },
};

/// HTTP methods, which are case-sensitive.
pub(super) const METHODS: Check = Check {
    expected: "a list of HTTP methods",
    range: None,
    verify: |value| {
        items(value, "an HTTP method, such as \"GET\"", |method| {
            Method::from_bytes(method.as_bytes()).is_ok()
        })
    },
};

/// Patterns for routes and paths.
pub(super) const ROUTE_PATTERNS: Check = Check {
    expected: "a list of routes",
    range: None,
    verify: |value| items(value, pattern::ROUTE, pattern::is_route),
};

/// A table from patterns for paths to names.
pub(super) const ROUTE_GROUPS: Check = Check {
    expected: "a table from paths to names",
    range: None,
    verify: |value| names(value, pattern::ROUTE, pattern::is_route),
};

/// The address of a web page; empty for none.
pub(super) const WEB_PAGE: Check = Check {
    expected: "an address such as \"http://localhost:16686\", or \"\"",
    range: None,
    verify: |value| {
        whole(text(value).is_some_and(|text| text.is_empty() || is_http_without_user(text)))
    },
};

/// The address of a collector or an agent; empty for the protocol's own.
pub(super) const ENDPOINT: Check = Check {
    expected: "an address such as \"http://localhost:4318\", or \"localhost:6831\" for udp",
    range: None,
    verify: |value| {
        whole(
            text(value)
                .is_some_and(|text| text.is_empty() || is_http(text) || is_host_and_port(text)),
        )
    },
};

/// Where rows are kept.
pub(super) const STORE_URL: Check = Check {
    expected: "an address such as \"sqlite://data/detective.db\" or \"sqlite::memory:\"",
    range: None,
    verify: |value| {
        whole(text(value).is_some_and(|text| {
            text.strip_prefix("sqlite:")
                .is_some_and(|rest| !rest.trim_start_matches('/').is_empty())
        }))
    },
};

/// Where answers are cached.
pub(super) const CACHE_URL: Check = Check {
    expected: "\"memory\", or an address such as \"redis://localhost:6379\"",
    range: None,
    verify: |value| {
        let schemes = ["redis://", "rediss://"];
        whole(text(value).is_some_and(|text| {
            text == "memory" || schemes.iter().any(|scheme| text.starts_with(scheme))
        }))
    },
};

/// A text that says something.
pub(super) const NOT_EMPTY: Check = Check {
    expected: "a text that is not empty",
    range: None,
    verify: |value| whole(text(value).is_some_and(|text| !text.trim().is_empty())),
};

/// Whether this is the address of an HTTP server.
pub(super) fn is_http(text: &str) -> bool {
    text.parse::<Uri>()
        .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}

/// Whether this is such an address without user and password, which would be shown with it.
fn is_http_without_user(text: &str) -> bool {
    is_http(text)
        && text.parse::<Uri>().is_ok_and(|uri| {
            uri.authority()
                .is_some_and(|authority| !authority.as_str().contains('@'))
        })
}

/// Whether this is a host with a port and nothing else.
pub(super) fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains(['/', ' ', '@']) && port.parse::<u16>().is_ok()
    })
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// The words for a whole value are the check's own; `Key::verify` puts them in.
fn whole(holds: bool) -> Result<(), Wrong> {
    if holds {
        Ok(())
    } else {
        Err(Wrong::whole("another value"))
    }
}

/// Checks every text of a list.
fn items(value: &Value, expected: &'static str, holds: fn(&str) -> bool) -> Result<(), Wrong> {
    let items = value.as_array().unwrap_or_default();
    match items
        .iter()
        .position(|item| !item.as_str().is_some_and(holds))
    {
        Some(index) => Err(Wrong::part(Part::Item(index), expected)),
        None => Ok(()),
    }
}

/// Checks every name of a table.
fn names(value: &Value, expected: &'static str, holds: fn(&str) -> bool) -> Result<(), Wrong> {
    let mut names = value
        .as_dict()
        .into_iter()
        .flat_map(|entries| entries.keys());
    match names.find(|name| !holds(name)) {
        Some(name) => Err(Wrong::part(Part::Name(name.clone()), expected)),
        None => Ok(()),
    }
}
