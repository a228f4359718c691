//! Compact thrift to a Jaeger agent by UDP, through opentelemetry-jaeger.
//!
//! That crate serialises a whole export call into one datagram and gives up on one that is too
//! large, so spans are packed here into calls that fit, and a span that does not fit alone is
//! relieved of its events and then of its largest attributes. UDP answers nothing: a span that
//! was sent counts as exported, and the refusal of a datagram shows up when the next one is sent.

mod convert;
mod packing;
mod socket;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_sdk_0_23::export::trace::SpanExporter as _;

use super::{ExportError, ExportSpan, Resource};
use crate::config::Jaeger;
use crate::metrics::{DropReason, Stats};

const DEFAULT_ENDPOINT: &str = "localhost:6831";

/// The largest datagram that a Jaeger agent takes (`max_packet_size` of its thrift receivers).
const MAX_PACKET_BYTES: usize = 65_000;

/// A name is looked up again after this time: an agent that moved is not missed by UDP.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(30);

/// Sends spans to a Jaeger agent.
#[derive(Debug)]
pub(crate) struct UdpExporter {
    host: String,
    port: u16,
    resource: Resource,
    /// How much of a datagram is left for spans.
    capacity: usize,
    connection: Option<Connection>,
    /// The last datagram failed, and the name may lead elsewhere by now.
    is_suspect: bool,
    looked_up: Instant,
    stats: Arc<Stats>,
}

#[derive(Debug)]
#[expect(deprecated, reason = "the crate has no successor for this protocol")]
struct Connection {
    agent: SocketAddr,
    exporter: opentelemetry_jaeger::Exporter,
}

impl UdpExporter {
    pub(super) fn build(
        config: &Jaeger,
        mut resource: Resource,
        stats: Arc<Stats>,
    ) -> Result<Self, ExportError> {
        let (host, port) = parse_endpoint(&config.endpoint)?;
        packing::flatten_lists(&mut resource);
        let bytes = packing::envelope_bound(&resource);
        let limit = MAX_PACKET_BYTES / 2;
        if bytes > limit {
            return Err(ExportError::ResourceTooLarge { bytes, limit });
        }
        Ok(Self {
            host,
            port,
            resource,
            capacity: MAX_PACKET_BYTES - bytes,
            connection: None,
            is_suspect: false,
            looked_up: Instant::now(),
            stats,
        })
    }

    pub(super) async fn export(&mut self, batch: Vec<ExportSpan>) -> Result<(), ExportError> {
        let (packets, shed) = packing::pack(batch, self.capacity);
        self.stats
            .dropped(DropReason::SpanEventOversize, shed.events);
        self.stats
            .dropped(DropReason::SpanAttributeOversize, shed.attributes);

        let mut lost = 0;
        let mut reason = None;
        for packet in packets {
            let length = packet.len();
            if let Err(error) = self.send(packet).await {
                lost += length;
                reason = Some(error);
                self.is_suspect = true;
            }
        }
        reason.map_or(Ok(()), |reason| {
            Err(ExportError::Failed {
                lost,
                endpoint: format!("{}:{}", self.host, self.port),
                reason,
            })
        })
    }

    async fn send(&mut self, packet: Vec<ExportSpan>) -> Result<(), String> {
        let is_due = self.looked_up.elapsed() >= LOOK_UP_AGAIN;
        let connection = match self.connection.take() {
            Some(connection) if !self.is_suspect && !is_due => connection,
            // The same socket stays as long as the name leads to the same agent, since it alone
            // learns what became of the datagrams that it sent.
            connection => {
                self.looked_up = Instant::now();
                match (connection, self.resolve().await) {
                    (Some(connection), Ok(agent)) if connection.agent == agent => connection,
                    (_, Ok(agent)) => {
                        Connection::open(agent, &self.resource).map_err(|e| e.to_string())?
                    }
                    // A name that cannot be looked up for once says nothing about the agent.
                    (Some(connection), Err(_)) if !self.is_suspect => connection,
                    (_, Err(error)) => return Err(error),
                }
            }
        };
        self.is_suspect = false;
        let connection = self.connection.insert(connection);
        let spans = packet.into_iter().map(convert::span).collect();
        let result = connection.exporter.export(spans).await;
        result.map_err(|error| error.to_string())
    }

    async fn resolve(&self) -> Result<SocketAddr, String> {
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|error| error.to_string())?
            .collect();
        // Agents that are told to listen on `localhost` listen on its IPv4 address.
        let address = addresses
            .iter()
            .find(|address| address.is_ipv4())
            .or(addresses.first())
            .ok_or("the name has no address")?;
        Ok(*address)
    }
}

impl Connection {
    fn open(
        agent: SocketAddr,
        resource: &Resource,
    ) -> Result<Self, opentelemetry_0_23::trace::TraceError> {
        let config = opentelemetry_sdk_0_23::trace::Config::default()
            .with_resource(convert::resource(resource.clone()));
        // The builder prefers `OTEL_EXPORTER_JAEGER_AGENT_HOST` and `_PORT` to the endpoint that
        // it is given. They have had their say in the configuration already, so the socket
        // disregards what the builder found. One trace of them remains: when they are set, the
        // builder resolves them, and fails if it cannot.
        #[expect(deprecated, reason = "the crate has no successor for this protocol")]
        let builder = opentelemetry_jaeger::new_agent_pipeline();
        let exporter = builder
            .with_endpoint(agent.to_string())
            .with_trace_config(config)
            .with_max_packet_size(MAX_PACKET_BYTES)
            .with_auto_split_batch(false)
            .with_instrumentation_library_tags(false)
            .build_async_agent_exporter(socket::AgentRuntime { agent })?;
        Ok(Self { agent, exporter })
    }
}

/// `host:port`, `[::1]:port`, or a host alone, for port 6831.
fn parse_endpoint(endpoint: &str) -> Result<(String, u16), ExportError> {
    let text = if endpoint.is_empty() {
        DEFAULT_ENDPOINT
    } else {
        endpoint
    };
    let invalid = || ExportError::Endpoint {
        endpoint: text.to_owned(),
        expected: "a host and a port such as `localhost:6831` (udp)",
    };
    if text.contains(['/', '?', '#', '@']) {
        return Err(invalid());
    }
    let authority: http::uri::Authority = text.parse().map_err(|_| invalid())?;
    let host = authority.host();
    // A port that is not a number is left to the authority, which does not check it.
    let port = match text.strip_prefix(host).ok_or_else(invalid)? {
        "" => 6831,
        port => port
            .strip_prefix(':')
            .and_then(|port| port.parse().ok())
            .ok_or_else(invalid)?,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(invalid());
    }
    Ok((host.to_owned(), port))
}
