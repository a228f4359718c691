//! What the attribute's arguments override for one function.

use std::time::Duration;

/// Every option that `#[investigate(...)]` can give; `None` leaves the decision to the config.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// `span = false`: its calls do not become spans.
    pub span: Option<bool>,
    /// `histogram = false`: its calls do not move `function_duration_seconds`.
    pub histogram: Option<bool>,
    /// `record = false`: the requests it answers do not become rows.
    pub record: Option<bool>,
    /// `sample = 0.1`: the share of its traces that are kept.
    pub sample: Option<f64>,
    /// `slow = "250ms"`: requests that take longer are always kept.
    pub slow: Option<Duration>,
    /// `buckets = [0.1, 0.5]`: the upper bounds of its histogram, in ascending seconds.
    pub buckets: Option<&'static [f64]>,
}

impl Options {
    /// Nothing overridden.
    pub const NONE: Self = Self {
        span: None,
        histogram: None,
        record: None,
        sample: None,
        slow: None,
        buckets: None,
    };
}
