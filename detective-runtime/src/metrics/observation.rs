//! What is known of a finished request when it is counted.

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
pub(crate) enum ProtocolVersion {
    Http10,
    Http11,
    Http2,
    Http3,
}

impl ProtocolVersion {
    /// The value of the `network_protocol_version` label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
            Self::Http3 => "3",
        }
    }
}

impl From<http::Version> for ProtocolVersion {
    fn from(version: http::Version) -> Self {
        match version {
            http::Version::HTTP_2 => Self::Http2,
            http::Version::HTTP_3 => Self::Http3,
            http::Version::HTTP_10 => Self::Http10,
            // hyper serves no other version.
            _ => Self::Http11,
        }
    }
}

/// How the client spoke to the outermost trusted server: the attribute `url.scheme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(super) const ALL: [Self; 2] = [Self::Http, Self::Https];

    /// The value of the `url_scheme` label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}
