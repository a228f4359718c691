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
    /// `spans = false`: its calls do not become spans.
    pub spans: Option<bool>,
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
        spans: None,
        histogram: None,
        buckets: None,
    };

    /// Gives `slow`.
    #[must_use]
    pub const fn slow(mut self, slow: Duration) -> Self {
        self.slow = Some(slow);
        self
    }

    /// Gives `sample`.
    #[must_use]
    pub const fn sample(mut self, sample: f64) -> Self {
        self.sample = Some(sample);
        self
    }

    /// Gives `record`.
    #[must_use]
    pub const fn record(mut self, record: bool) -> Self {
        self.record = Some(record);
        self
    }

    /// Gives `spans`.
    #[must_use]
    pub const fn spans(mut self, spans: bool) -> Self {
        self.spans = Some(spans);
        self
    }

    /// Gives `histogram`.
    #[must_use]
    pub const fn histogram(mut self, histogram: bool) -> Self {
        self.histogram = Some(histogram);
        self
    }

    /// Gives `buckets`.
    #[must_use]
    pub const fn buckets(mut self, buckets: &'static [f64]) -> Self {
        self.buckets = Some(buckets);
        self
    }

    /// The same as a rule; the config's rules override it.
    pub(crate) fn rule(&self) -> Rule {
        Rule {
            spans: self.spans,
            histogram: self.histogram,
            buckets: self.buckets.map(<[f64]>::to_vec),
            record: self.record,
            sample: self.sample,
            slow: self.slow,
            ..Rule::default()
        }
    }
}
