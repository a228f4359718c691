//! Stands in for OTLP over HTTP when its feature is off.

use bytes::Bytes;
use http::{HeaderMap, Uri};

use super::Failure;
use crate::config::Jaeger;
use crate::export::ExportError;

pub(super) const DEFAULT_ENDPOINT: &str = "";

/// Cannot exist.
#[derive(Debug)]
pub(super) enum Client {}

impl Client {
    pub(super) fn build(
        _config: &Jaeger,
        _endpoint: &Uri,
        _headers: HeaderMap,
    ) -> Result<Self, ExportError> {
        Err(ExportError::FeatureMissing {
            protocol: "otlp-http",
            feature: "otlp-http",
        })
    }

    pub(super) async fn send(&mut self, _message: Bytes) -> Result<(), Failure> {
        match *self {}
    }
}
