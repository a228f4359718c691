//! The time range of a question: `start_time` and `end_time`.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::error::AnalyticsError;

/// A number above this is milliseconds since 1970, below it is seconds: it is the year 2603 in
/// seconds, and August 1970 in milliseconds.
const LARGEST_SECONDS: f64 = 2e10;

/// A time range, both ends included; `None` leaves a side open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
}

impl Range {
    /// Reads the two parameters.
    ///
    /// # Errors
    ///
    /// When one is not a time, or the end is before the start.
    pub(super) fn parse(
        start_time: Option<&str>,
        end_time: Option<&str>,
    ) -> Result<Self, AnalyticsError> {
        let read = |name: &str, text: Option<&str>| {
            text.map(|text| {
                parse_time(text).ok_or_else(|| {
                    AnalyticsError::BadRequest(format!(
                        "`{name}` is `{text}`, expected a time such as `2026-11-22T10:14:47Z`, \
                         `2026-11-22 10:14:47.5` (UTC), `2026-11-22T10:14:47%2B05:00`, `2026-11-22` \
                         or seconds since 1970"
                    ))
                })
            })
            .transpose()
        };
        let range = Self {
            start: read("start_time", start_time)?,
            end: read("end_time", end_time)?,
        };
        match (range.start, range.end) {
            (Some(start), Some(end)) if start > end => Err(AnalyticsError::BadRequest(format!(
                "`start_time` is `{start}`, expected a time before `end_time`, which is `{end}`"
            ))),
            _ => Ok(range),
        }
    }

    /// The start, as the store takes it.
    pub(super) fn start(&self) -> Option<SystemTime> {
        self.start.map(SystemTime::from)
    }

    /// The end, as the store takes it.
    pub(super) fn end(&self) -> Option<SystemTime> {
        self.end.map(SystemTime::from)
    }
}

/// A time as ISO 8601 has it, with an offset or in UTC, or as a number since 1970.
fn parse_time(text: &str) -> Option<Timestamp> {
    parse_epoch(text)
        .or_else(|| parse_iso(text))
        .or_else(|| parse_iso(&with_plus(text)?))
}

fn parse_epoch(text: &str) -> Option<Timestamp> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    let seconds = if number.abs() > LARGEST_SECONDS {
        number / 1e3
    } else {
        number
    };
    // The conversion saturates, and a saturated number is no timestamp.
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

fn parse_iso(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let time: DateTime = text.parse().ok()?;
        time.to_zoned(TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    })
}

/// An offset's `+` that was not escaped in the query reads as a space. It can be told from the one
/// between date and time because it comes after a time.
fn with_plus(text: &str) -> Option<String> {
    let (before, offset) = text.rsplit_once(' ')?;
    let has_time = before.contains(['T', 't', ' ']);
    has_time.then(|| format!("{before}+{offset}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn check(text: &str, expected: &str) {
        let range = Range::parse(Some(text), None);
        let start = range
            .unwrap_or_else(|error| panic!("{error}"))
            .start
            .unwrap();
        assert_eq!(start.to_string(), expected, "for `{text}`");
    }

    fn check_error(start: Option<&str>, end: Option<&str>, expected: &str) {
        let message = Range::parse(start, end).unwrap_err().to_string();
        assert!(
            message.contains(expected),
            "`{expected}` is missing in: {message}"
        );
    }

    #[test]
    fn without_an_offset_it_is_utc() {
        check("2026-11-22T10:14:47", "2026-11-22T10:14:47Z");
        check("2026-11-22t10:14", "2026-11-22T10:14:00Z");
        check("2026-11-22 10:14:47.123456", "2026-11-22T10:14:47.123456Z");
        check("2026-11-22T10:14:47,5", "2026-11-22T10:14:47.5Z");
        check(
            "2026-11-22T10:14:47.1234567",
            "2026-11-22T10:14:47.1234567Z",
        );
        check("2026-11-22", "2026-11-22T00:00:00Z");
    }

    #[test]
    fn an_offset_is_honoured() {
        check("2026-11-22T10:14:47Z", "2026-11-22T10:14:47Z");
        check("2026-11-22T10:14:47z", "2026-11-22T10:14:47Z");
        check("2026-11-22T10:14:47+05:00", "2026-11-22T05:14:47Z");
        check("2026-11-22T10:14:47+0530", "2026-11-22T04:44:47Z");
        check("2026-11-22 10:14:47-05:00", "2026-11-22T15:14:47Z");
    }

    #[test]
    fn a_plus_that_became_a_space_is_understood() {
        check("2026-11-22T10:14:47 05:00", "2026-11-22T05:14:47Z");
        check("2026-11-22 10:14:47.5 05:00", "2026-11-22T05:14:47.5Z");
        // After a date alone it is a time.
        check("2026-11-22 05:00", "2026-11-22T05:00:00Z");
    }

    #[test]
    fn numbers_count_from_1970() {
        check("0", "1970-01-01T00:00:00Z");
        check("-1", "1969-12-31T23:59:59Z");
        check("1795342487.25", "2026-11-22T10:14:47.25Z");
        check("1795342487250", "2026-11-22T10:14:47.25Z");
        check("20250101", "1970-08-23T09:01:41Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "x",
            "garbage",
            "now",
            "null",
            "1e9",
            "12:00",
            "2025-1-1",
            "2025-13-01",
            "2025-02-30",
            "2025-01-01T25:00",
            "99999999999999999999",
            "-",
            "1.",
            "NaN",
            "T",
        ] {
            check_error(
                Some(text),
                None,
                &format!("`start_time` is `{text}`, expected a time"),
            );
            check_error(None, Some(text), "`end_time` is");
        }
    }

    #[test]
    fn an_inverted_range_is_refused() {
        check_error(
            Some("2026-11-22"),
            Some("2026-11-21"),
            "`start_time` is `2026-11-22T00:00:00Z`, expected a time before `end_time`, which is `2026-11-21T00:00:00Z`",
        );
        assert!(Range::parse(Some("2026-11-22"), Some("2026-11-22")).is_ok());
    }
}
