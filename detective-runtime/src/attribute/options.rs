//! What the attribute's arguments override for one function.

use std::time::Duration;

use crate::config::Rule;

/// Every option that `#[investigate(...)]` can give; `None` leaves the decision to the config.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// `slow = "250ms"`: requests that take longer are always kept.
    pub slow: Option<Duration>,
    /// `sample = 0.1`: the fraction of its traces that are kept, from 0.0 to 1.0.
    pub sample: Option<f64>,
    /// `record = false`: the requests that it answers do not become rows.
    pub record: Option<bool>,
    /// `span = false`: its calls do not become spans.
    pub span: Option<bool>,
    /// `histogram = false`: its calls are not counted in `function_duration_seconds`.
    pub histogram: Option<bool>,
    /// `buckets = [..]`: upper bounds of that histogram, in seconds.
    pub buckets: Option<&'static [f64]>,
}

impl Options {
    /// Nothing overridden.
    pub const NONE: Self = Self {
        slow: None,
        sample: None,
        record: None,
        span: None,
        histogram: None,
        buckets: None,
    };

    /// The same as a rule; the config's rules override it.
    pub(crate) fn rule(&self) -> Rule {
        Rule {
            spans: self.span,
            histogram: self.histogram,
            buckets: self.buckets.map(<[f64]>::to_vec),
            record: self.record,
            sample: self.sample,
            slow: self.slow,
            ..Rule::default()
        }
    }
}
