//! From finished records to Jaeger.
//!
//! Kept traces are pushed into an [`ExportQueue`] as the records that they are. Its task encodes
//! them and hands them in batches to an [`Exporter`]. Nothing here is on a request's path, and
//! Jaeger being away costs a counter.

mod ending;
mod error;
mod memory;
mod outcome;
mod queue;
mod resource;
mod span;

// An exporter whose cargo feature is off is replaced by one that cannot be built and says why.
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
mod otlp;
#[cfg(not(any(feature = "otlp-grpc", feature = "otlp-http")))]
#[path = "otlp/disabled.rs"]
mod otlp;
#[cfg(feature = "jaeger-udp")]
mod udp;
#[cfg(not(feature = "jaeger-udp"))]
#[path = "udp/disabled.rs"]
mod udp;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::config::{Jaeger, Protocol};
use crate::metrics::Stats;

pub(crate) use ending::{Ender, Ending};
pub use error::ExportError;
pub(crate) use memory::MemoryExporter;
#[cfg(test)]
pub(crate) use otlp::Prefix;
pub(crate) use otlp::{Batch, span as wire_span, wire};
pub(crate) use outcome::Outcome;
pub(crate) use queue::{ExportQueue, TracePart};
pub(crate) use resource::resource;
pub use span::SpanKind;
pub(crate) use span::{Attribute, ExportEvent, ExportSpan};

/// What is true of every span of this process: OpenTelemetry resource attributes, `service.name`
/// among them.
pub(crate) type Resource = Vec<Attribute>;

/// The name of the instrumentation, beside every span: `otel.scope.name`.
const SCOPE: &str = "detective";

/// Where spans go.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "an instance has one")]
pub(crate) enum Exporter {
    /// OTLP, over HTTP or gRPC.
    Otlp(otlp::OtlpExporter),
    /// Compact thrift to a Jaeger agent.
    Udp(udp::UdpExporter),
    /// Kept, for tests.
    Memory(MemoryExporter),
    /// Nowhere.
    Off,
}

impl Exporter {
    /// The exporter that the configuration asks for. It connects when it has something to send.
    ///
    /// Call it on the tokio runtime on which it will run: gRPC needs one to prepare its channel.
    ///
    /// # Errors
    ///
    /// The cargo feature of the protocol is off, or the endpoint or a header is not valid. That
    /// Jaeger cannot be reached is no error here.
    pub(crate) fn build(
        config: &Jaeger,
        resource: Resource,
        stats: &Arc<Stats>,
    ) -> Result<Self, ExportError> {
        match config.protocol {
            Protocol::OtlpHttp | Protocol::OtlpGrpc => {
                otlp::OtlpExporter::build(config, resource, Arc::clone(stats)).map(Self::Otlp)
            }
            Protocol::Udp => {
                udp::UdpExporter::build(config, resource, Arc::clone(stats)).map(Self::Udp)
            }
            Protocol::Off => Ok(Self::Off),
        }
    }

    /// Whether spans that are exported end up nowhere.
    pub(crate) fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }

    /// Exports a batch to its end, trying again what is worth another try. What becomes of it is for
    /// the caller to [account](Outcome::account) for.
    pub(crate) async fn export(&mut self, batch: Vec<ExportSpan>, ending: &mut Ending) -> Outcome {
        let spans = batch.len();
        let result = match self {
            Self::Otlp(exporter) => return exporter.export_spans(&batch, ending).await,
            Self::Udp(exporter) => exporter.export(batch).await,
            Self::Memory(exporter) => {
                exporter.push(batch);
                Ok(())
            }
            Self::Off => Ok(()),
        };
        match result {
            Ok(()) => Outcome::exported(spans),
            Err(error) => Outcome::failed(spans, error),
        }
    }
}
