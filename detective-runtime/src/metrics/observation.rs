//! What is known of a finished request when it is counted.

use http::Version;

use super::labels::labels;

/// One finished request, as the metrics see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The response's status. For a request without a response, the status that a proxy would log:
    /// 500 after a panic or an error of the service, 503 after a cut-off by the shutdown, or else
    /// 499, since the client left.
    pub(crate) status: u16,
    /// From the request's head to the end of the response's body, in nanoseconds.
    pub(crate) nanos: u64,
    /// Whether the latency histogram counts it. It does not count upgraded connections, event
    /// streams and routes whose rule says `histogram = false`.
    pub(crate) in_histogram: bool,
    /// What went wrong, unless the status shows it.
    pub(crate) error: Option<ErrorType>,
    pub(crate) version: ProtocolVersion,
    pub(crate) scheme: Scheme,
}

/// A failure that the response's status does not show: the attribute `error.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorType {
    Panic,
    ClientDisconnect,
    Timeout,
    Shutdown,
}

impl ErrorType {
    /// The value of the `error_type` label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::ClientDisconnect => "client_disconnect",
            Self::Timeout => "timeout",
            Self::Shutdown => "shutdown",
        }
    }
}

/// The HTTP version: the attribute `network.protocol.version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProtocolVersion(pub(crate) Version);

impl ProtocolVersion {
    /// The value of the attribute, and of the `network_protocol_version` label.
    pub(crate) fn as_str(self) -> Option<&'static str> {
        match self.0 {
            Version::HTTP_09 => Some("0.9"),
            Version::HTTP_10 => Some("1.0"),
            Version::HTTP_11 => Some("1.1"),
            Version::HTTP_2 => Some("2"),
            Version::HTTP_3 => Some("3"),
            _ => None,
        }
    }
}

impl From<Version> for ProtocolVersion {
    fn from(version: Version) -> Self {
        Self(version)
    }
}

labels! {
    /// How the client spoke to the outermost trusted server: the attribute `url.scheme`.
    pub(crate) enum Scheme {
        Http = "http",
        Https = "https",
    }
}
