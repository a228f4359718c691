//! Chooses the text format of the response to a scrape.
//!
//! Follows the Prometheus "Scrape protocol content negotiation" and RFC 9110, section 12.5.1: the
//! supported format with the highest weight wins, and the first one among equals. A client that
//! asks for no supported format gets the Prometheus text format 0.0.4.

use http::HeaderValue;

/// A supported format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics text 1.0.0, with the escaping scheme to name in the response if the client named
    /// one.
    OpenMetrics(Option<Escaping>),
}

/// How metric names outside `[a-zA-Z0-9_:]` are written. Detective has no such names, and the
/// prometheus crate allows none, so the schemes give the same text. Only `dots` would differ, by
/// doubling every underscore; the response to it is `underscores`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escaping {
    AllowUtf8,
    Underscores,
    Values,
}

impl Format {
    /// The exact `Content-Type`. Prometheus 3 refuses a scrape without a valid one.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics(None) => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::OpenMetrics(Some(Escaping::AllowUtf8)) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
            Self::OpenMetrics(Some(Escaping::Underscores)) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
            Self::OpenMetrics(Some(Escaping::Values)) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values"
            }
        })
    }
}

/// Chooses the format for an `Accept` header. A header or an element that cannot be parsed counts
/// as absent.
pub(super) fn negotiate(accept: Option<&HeaderValue>) -> Format {
    let accept = accept.and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let mut best = None;
    for (format, weight) in split_unquoted(accept, ',').filter_map(parse_range) {
        if weight > best.map_or(0.0, |(_, weight)| weight) {
            best = Some((format, weight));
        }
    }
    best.map_or(Format::Text, |(format, _)| format)
}

/// One element of the header: the format that it accepts, and its weight.
fn parse_range(range: &str) -> Option<(Format, f32)> {
    let mut parts = split_unquoted(range, ';');
    let media_type = parts.next()?.trim().to_ascii_lowercase();
    let mut weight = 1.0;
    let mut version = None;
    let mut escaping = None;
    for part in parts.filter(|part| !part.trim().is_empty()) {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => weight = parse_weight(value)?,
            "version" => version = Some(value),
            "escaping" => escaping = Some(parse_escaping(value)),
            _ => {}
        }
    }
    let format = match (media_type.as_str(), version) {
        ("application/openmetrics-text", None | Some("1.0.0")) => Format::OpenMetrics(escaping),
        ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", None) => Format::Text,
        _ => return None,
    };
    Some((format, weight))
}

/// An unknown scheme gets the scheme that every client understands.
fn parse_escaping(value: &str) -> Escaping {
    match value {
        "allow-utf-8" => Escaping::AllowUtf8,
        "values" => Escaping::Values,
        _ => Escaping::Underscores,
    }
}

fn parse_weight(value: &str) -> Option<f32> {
    // The standard allows only digits and a point in a weight, no sign and no exponent.
    let digits = value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let weight = value.parse().ok().filter(|_| digits)?;
    (0.0..=1.0).contains(&weight).then_some(weight)
}

/// Splits at `separator`, but not inside a quoted string.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    fn check(accept: &str, expected: &str) {
        let header = HeaderValue::from_bytes(accept.as_bytes()).expect("a header value");
        let content_type = negotiate(Some(&header)).content_type();
        assert_eq!(content_type, expected, "Accept: {accept}");
    }

    #[test]
    fn the_fallback_is_text() {
        assert_eq!(negotiate(None), Format::Text);
        for accept in [
            "",
            "*/*",
            "text/*",
            "application/*",
            "text/html",
            "application/json, text/html;q=0.9",
            "nonsense",
            ";;;,,,===",
            "application/openmetrics-text; version=0.0.1",
            "application/openmetrics-text; version=2.0.0",
            "text/plain; version=1.0.0",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            "text/html, application/xhtml+xml, application/xml;q=0.9, image/webp, */*;q=0.8",
            "text/plain;q=0",
            "\u{fc}",
        ] {
            check(accept, TEXT);
        }
    }

    #[test]
    fn open_metrics_only_when_asked() {
        for accept in [
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text;version=\"1.0.0\"; charset=utf-8",
            "Application/OpenMetrics-Text; VERSION=1.0.0; Q=0.5",
            "application/openmetrics-text; version=1.0.0; q=0.5, */*;q=0.1",
            "text/plain;q=0.4, application/openmetrics-text;q=0.5",
            "application/openmetrics-text, text/plain",
            "text/plain;note=\",\";q=0.1, application/openmetrics-text;q=0.2",
        ] {
            check(accept, OPEN_METRICS);
        }
    }

    #[test]
    fn the_highest_weight_wins() {
        check("application/openmetrics-text;q=0.5, text/plain;q=0.6", TEXT);
        check("application/openmetrics-text;q=0.5, */*", TEXT);
        check("text/plain, application/openmetrics-text", TEXT);
        check("application/openmetrics-text;q=0", TEXT);
        check("application/openmetrics-text;q=0.000, */*;q=0.001", TEXT);
    }

    #[test]
    fn an_element_with_a_bad_weight_is_ignored() {
        for weight in ["2", "-1", "high", "", "NaN", "inf", "1e-1", "+1", "0.5.5"] {
            let accept = format!("application/openmetrics-text;q={weight}, text/plain;q=0.1");
            check(&accept, TEXT);
        }
    }

    #[test]
    fn the_escaping_scheme_is_echoed() {
        for (asked, answered) in [
            ("allow-utf-8", "allow-utf-8"),
            ("underscores", "underscores"),
            ("values", "values"),
            ("dots", "underscores"),
            ("made-up", "underscores"),
        ] {
            check(
                &format!("application/openmetrics-text; version=1.0.0; escaping={asked}"),
                &format!("{OPEN_METRICS}; escaping={answered}"),
            );
        }
        check("text/plain; version=0.0.4; escaping=allow-utf-8", TEXT);
    }

    #[test]
    fn what_prometheus_3_sends() {
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            &format!("{OPEN_METRICS}; escaping=allow-utf-8"),
        );
    }
}
