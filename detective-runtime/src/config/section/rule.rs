//! `[routes."..."]` and `[investigate."..."]`: what holds for one route or one function.

use std::time::Duration;

use figment::value::{Dict, Value};

use crate::config::declare::{Declared, section};
use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::rule_section;

section! {
    /// What is decided for the routes or functions that a pattern names. A key that is absent
    /// leaves the decision to the next closest pattern, then to the sections above.
    pub struct Rule in "" {
        /// Whether spans are recorded.
        live spans: Option<bool> = None, example "false";
        /// Whether times go into a histogram.
        live histogram: Option<bool> = None, example "false";
        /// Upper bounds of the histogram, in seconds, ascending.
        restart buckets: Option<Vec<f64>> = None, check BOUNDS, example "[0.1, 1.0, 10.0]";
        /// Whether a row is written for each request.
        live record: Option<bool> = None, example "false";
        /// Share of the traces that are kept, 0.0 to 1.0, instead of `tracing.sample`.
        live sample: Option<f64> = None, check SHARE, example "0.1";
        /// A request that takes longer is slow, instead of `tracing.slow`.
        live slow: Option<Duration> = None, example "\"250ms\"";
        /// Request headers that are kept, instead of `capture.request_headers`.
        live request_headers: Option<Vec<String>> = None, check HEADER_NAMES,
            example "[\"accept-language\"]";
        /// Response headers that are kept, instead of `capture.response_headers`.
        live response_headers: Option<Vec<String>> = None, check HEADER_NAMES,
            example "[\"content-type\"]";
    }
}

impl Rule {
    /// The rule that sets these keys, which exist.
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

    /// This rule, with `fallback` deciding what this one leaves open.
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
