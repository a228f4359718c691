//! `[routes."..."]` and `[investigate."..."]`: settings for single routes and functions.

use std::time::Duration;

use figment::value::{Dict, Value};

use crate::config::declare::{Declared, section};
use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::rule_section;

section! {
    /// The settings for the routes or functions that a pattern matches. If a key is absent, the next
    /// closest pattern decides, and then the sections above.
    pub struct Rule in "" {
        /// Whether spans are recorded.
        live spans: Option<bool> = None, example "false";
        /// Whether times are recorded in a histogram.
        live histogram: Option<bool> = None, example "false";
        /// Upper bounds of the histogram buckets, in seconds, in ascending order.
        restart buckets: Option<Vec<f64>> = None, check BOUNDS, example "[0.1, 1.0, 10.0]";
        /// Whether a row is written for each request.
        live record: Option<bool> = None, example "false";
        /// Fraction of the traces to keep, from 0.0 to 1.0; replaces `tracing.sample`.
        live sample: Option<f64> = None, check SHARE, example "0.1";
        /// A request that takes this long or longer is slow; replaces `tracing.slow`.
        live slow: Option<Duration> = None, example "\"250ms\"";
        /// Request headers to record; replaces `capture.request_headers`.
        live request_headers: Option<Vec<String>> = None, check HEADER_NAMES,
            example "[\"accept-language\"]";
        /// Response headers to record; replaces `capture.response_headers`.
        live response_headers: Option<Vec<String>> = None, check HEADER_NAMES,
            example "[\"content-type\"]";
    }
}

impl Rule {
    /// The rule that sets these keys. Keys that do not exist are ignored.
    ///
    /// # Errors
    ///
    /// What is wrong with each value, without a place.
    pub(crate) fn of_values(values: Vec<(&str, Value)>) -> Result<Rule, Vec<String>> {
        let mut accepted = Dict::new();
        let mut mistakes = Vec::new();
        for (name, value) in values {
            let Some(key) = rule_section().key(name) else {
                continue;
            };
            match key.verify(&value) {
                Ok(()) => drop(accepted.insert(name.to_owned(), value)),
                Err(wrong) => {
                    let place = Place::Default;
                    let mistake = Diagnostic::wrong_value(place, name, key, &value, &wrong);
                    mistakes.push(mistake.message);
                }
            }
        }
        if mistakes.is_empty() {
            Ok(Self::read(&accepted))
        } else {
            Err(mistakes)
        }
    }

    /// This rule, completed by `fallback` for every key that this one does not set.
    #[must_use]
    pub fn or(self, fallback: &Rule) -> Rule {
        Rule {
            spans: self.spans.or(fallback.spans),
            histogram: self.histogram.or(fallback.histogram),
            buckets: self.buckets.or_else(|| fallback.buckets.clone()),
            record: self.record.or(fallback.record),
            sample: self.sample.or(fallback.sample),
            slow: self.slow.or(fallback.slow),
            request_headers: self
                .request_headers
                .or_else(|| fallback.request_headers.clone()),
            response_headers: self
                .response_headers
                .or_else(|| fallback.response_headers.clone()),
        }
    }
}
