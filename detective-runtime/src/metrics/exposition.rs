//! The response to a scrape.

use http::HeaderValue;
use prometheus::TextEncoder;
use prometheus::proto::MetricFamily;

use super::negotiate::{Format, negotiate};
use super::openmetrics;
use super::registry::MetricsRegistry;

impl MetricsRegistry {
    /// Renders all metrics in the format that the `Accept` header asks for, and returns the
    /// matching `Content-Type`. It reads every cell, so it is for `/metrics`, not for the request
    /// path.
    pub(crate) fn render(&self, accept: Option<&HeaderValue>) -> (HeaderValue, String) {
        let format = negotiate(accept);
        let text = match format {
            Format::Text => encode_text(&self.gather()),
            Format::OpenMetrics(_) => {
                // Exemplars first: a request that has an exemplar is then also in the count of its
                // bucket.
                let exemplars = self.exemplars();
                openmetrics::encode(&self.gather(), &exemplars)
            }
        };
        (format.content_type(), text)
    }
}

/// Encodes one family at a time, so that a family that cannot be written does not affect the
/// others.
fn encode_text(families: &[MetricFamily]) -> String {
    let mut text = String::new();
    for family in families {
        let before = text.len();
        let encoded = TextEncoder::new().encode_utf8(std::slice::from_ref(family), &mut text);
        if encoded.is_err() {
            text.truncate(before);
        }
    }
    text
}
