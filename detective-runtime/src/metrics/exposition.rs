//! The answer to a scrape.

use http::HeaderValue;
use prometheus::TextEncoder;
use prometheus::proto::MetricFamily;

use super::negotiate::{Format, negotiate};
use super::openmetrics;
use super::registry::MetricsRegistry;

impl MetricsRegistry {
    /// Everything there is to scrape, in the format that the `Accept` header asks for, and the
    /// `Content-Type` that goes with it. Reads every cell: for `/metrics`, not for the request path.
    pub(crate) fn render(&self, accept: Option<&HeaderValue>) -> (HeaderValue, String) {
        let format = negotiate(accept);
        let text = match format {
            Format::Text => encode_text(&self.gather()),
            Format::OpenMetrics(_) => {
                // Exemplars first: whatever an exemplar shows is then in its bucket's count.
                let exemplars = self.exemplars();
                openmetrics::encode(&self.gather(), &exemplars)
            }
        };
        (format.content_type(), text)
    }
}

/// One family at a time, so that one that cannot be written takes no other with it.
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
