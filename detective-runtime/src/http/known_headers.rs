//! The headers that are read from every request, found in one pass.

use http::{HeaderMap, HeaderValue};

/// The headers that describe a request's origin, trace and body.
///
/// One pass over the headers costs less than a look-up for each, since requests have few headers.
#[derive(Debug, Default)]
pub(crate) struct KnownHeaders<'a> {
    pub(crate) host: Option<&'a HeaderValue>,
    pub(crate) user_agent: Option<&'a HeaderValue>,
    pub(crate) content_length: Option<&'a HeaderValue>,
    /// The first one.
    traceparent: Option<&'a HeaderValue>,
    has_several_traceparents: bool,
    pub(crate) has_trace_state: bool,
    /// Whether a proxy has added `Forwarded` or `X-Forwarded-*`.
    pub(crate) is_forwarded: bool,
}

impl<'a> KnownHeaders<'a> {
    /// Finds the headers. The first of a repeated header counts.
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut known = Self::default();
        for (name, value) in headers {
            let name = name.as_str();
            // Compares the length first, which rules most names out.
            match name.len() {
                4 if name == "host" => _ = known.host.get_or_insert(value),
                10 if name == "user-agent" => _ = known.user_agent.get_or_insert(value),
                10 if name == "tracestate" => known.has_trace_state = true,
                11 if name == "traceparent" => {
                    known.has_several_traceparents = known.traceparent.is_some();
                    known.traceparent.get_or_insert(value);
                }
                14 if name == "content-length" => _ = known.content_length.get_or_insert(value),
                9 if name == "forwarded" => known.is_forwarded = true,
                15 if name == "x-forwarded-for" => known.is_forwarded = true,
                16 if name == "x-forwarded-host" => known.is_forwarded = true,
                17 if name == "x-forwarded-proto" => known.is_forwarded = true,
                _ => {}
            }
        }
        known
    }

    /// The `traceparent`; `None` if there are several, since nobody knows which one is right.
    pub(crate) fn traceparent(&self) -> Option<&'a HeaderValue> {
        self.traceparent.filter(|_| !self.has_several_traceparents)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    #[test]
    fn each_is_found_and_the_first_counts() {
        let headers = headers(&[
            ("accept", "*/*"),
            ("host", "toys.example"),
            ("host", "other.example"),
            ("user-agent", "curl"),
            ("content-length", "7"),
            ("traceparent", "00"),
            ("tracestate", "a=b"),
            ("x-request-id", "1"),
        ]);
        let known = KnownHeaders::of(&headers);
        assert_eq!(known.host.unwrap(), "toys.example");
        assert_eq!(known.user_agent.unwrap(), "curl");
        assert_eq!(known.content_length.unwrap(), "7");
        assert_eq!(known.traceparent().unwrap(), "00");
        assert!(known.has_trace_state);
        assert!(!known.has_several_traceparents && !known.is_forwarded);
    }

    #[test]
    fn several_traceparents_count_as_absent() {
        for count in 2..4 {
            let headers = headers(&vec![("traceparent", "00"); count]);
            assert_eq!(KnownHeaders::of(&headers).traceparent(), None);
        }
    }

    #[test]
    fn every_forwarding_header_is_noticed() {
        for name in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
        ] {
            assert!(KnownHeaders::of(&headers(&[(name, "x")])).is_forwarded);
        }
    }
}
