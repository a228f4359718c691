//! The part of a query string that may be recorded.

use percent_encoding::percent_decode_str;

/// Parameters whose values are credentials (OpenTelemetry HTTP conventions 1.44, `url.query`). Even
/// when they are allowed, only their names are kept.
const SIGNATURES: &[&str] = &[
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
];

/// Appends the parameters of `query` that are in `allowed` (`*` allows all), in order.
pub(crate) fn push_allowed(to: &mut Vec<u8>, query: &str, allowed: &[String]) {
    let start = to.len();
    for parameter in query.split('&') {
        let name = parameter.split('=').next().unwrap_or(parameter);
        // Decoded as the application does it: `%73ig` is `sig`.
        let decoded = percent_decode_str(name).decode_utf8_lossy();
        if !allowed
            .iter()
            .any(|allowed| *allowed == decoded || allowed == "*")
        {
            continue;
        }
        if to.len() > start {
            to.push(b'&');
        }
        if SIGNATURES.contains(&&*decoded) {
            to.extend_from_slice(name.as_bytes());
            to.extend_from_slice(b"=REDACTED");
        } else {
            to.extend_from_slice(parameter.as_bytes());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn check(query: &str, allowed: &[&str], expected: &str) {
        let allowed = allowed
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>();
        let mut kept = Vec::new();
        push_allowed(&mut kept, query, &allowed);
        assert_eq!(String::from_utf8(kept).unwrap(), expected);
    }

    #[test]
    fn only_what_is_allowed_is_kept() {
        check(
            "page=2&token=secret&sort=name",
            &["page", "sort"],
            "page=2&sort=name",
        );
        check("token=secret", &["page"], "");
        check("a&b=&page", &["a", "page"], "a&page");
    }

    #[test]
    fn signatures_are_redacted_even_when_allowed() {
        check("sig=abc&page=1", &["*"], "sig=REDACTED&page=1");
    }

    #[test]
    fn names_are_compared_decoded() {
        check("%73ig=abc", &["*"], "%73ig=REDACTED");
        check("s%69%67=abc", &["sig"], "s%69%67=REDACTED");
        check("p%61ge=2&%ff=3", &["page"], "p%61ge=2");
    }
}
