//! What Detective counted as dropped.

use std::fmt;

/// How much was dropped for each reason for which something was.
#[derive(Debug, Clone)]
pub(crate) struct Dropped(Vec<(String, u64)>);

impl Dropped {
    /// Reads the answer of `/metrics`; `None` when it shows no such count.
    pub(crate) fn read(metrics: &str) -> Option<Self> {
        let series: Vec<_> = metrics
            .lines()
            .filter(|line| line.starts_with("detective_dropped_total{"))
            .filter_map(|line| {
                let (_, rest) = line.split_once("reason=\"")?;
                let (reason, _) = rest.split_once('"')?;
                let count: u64 = line.rsplit(' ').next()?.parse().ok()?;
                Some((reason.to_owned(), count))
            })
            .collect();
        let has_series = !series.is_empty();
        has_series.then(|| Self(series.into_iter().filter(|(_, count)| *count > 0).collect()))
    }

    /// How many spans a collector has not got because of it. A record that was dropped had all spans of its request.
    pub(crate) fn spans(&self, spans_of_request: f64) -> f64 {
        let spans = self.0.iter().map(|(reason, count)| match reason.as_str() {
            "record_queue_full" => *count as f64 * spans_of_request,
            "span_queue_full" | "span_export_failed" | "span_rejected" | "span_too_large" => {
                *count as f64
            }
            _ => 0.0,
        });
        // The sum of nothing would be shown as `-0`.
        spans.fold(0.0, |sum, spans| sum + spans)
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("0");
        }
        let reasons: Vec<_> = self
            .0
            .iter()
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        formatter.write_str(&reasons.join(", "))
    }
}
