//! What can be wrong with an exporter or an export.

/// Why spans cannot go, or did not go, to Jaeger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The protocol was left out when this program was built.
    #[error(
        "`jaeger.protocol` is `{protocol}`, which this program was built without: enable the \
         feature `{feature}` of detective-runtime, or choose another protocol"
    )]
    FeatureMissing {
        /// The protocol that the configuration asks for.
        protocol: &'static str,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
    /// `jaeger.endpoint` cannot be understood.
    #[error("`jaeger.endpoint` is `{endpoint}`, expected {expected}")]
    Endpoint {
        /// The endpoint that the configuration asks for.
        endpoint: String,
        /// What an endpoint of this protocol looks like.
        expected: &'static str,
    },
    /// An entry of `jaeger.headers` cannot be sent. Its value is not shown, it may be secret.
    #[error(
        "`jaeger.headers` has `{name}`, expected the name of an HTTP header with a value of \
         visible ASCII characters"
    )]
    Header {
        /// The header's name.
        name: String,
    },
    /// The endpoint asks for TLS, and there is no cryptography for it.
    #[error("`jaeger.endpoint` is `{endpoint}`, and no cryptography for TLS is linked: {advice}")]
    NoCryptography {
        /// The endpoint that the configuration asks for.
        endpoint: String,
        /// How to get one.
        advice: &'static str,
    },
    /// The attributes of the service leave no room for spans in a datagram.
    #[error(
        "`service.attributes` take {bytes} bytes, expected at most {limit} with \
         `jaeger.protocol = \"udp\"`, which repeats them in every datagram: remove some, or choose \
         `otlp-http`"
    )]
    ResourceTooLarge {
        /// Their size on the wire.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The client could not be prepared, for example because of the system's TLS settings.
    #[error("cannot prepare the client that exports to Jaeger: {0}")]
    Client(String),
    /// Spans did not reach Jaeger, after all tries.
    #[error("{lost} spans did not reach Jaeger at `{endpoint}`: {reason}")]
    Failed {
        /// How many.
        lost: usize,
        /// Where they were sent.
        endpoint: String,
        /// What the last try met with.
        reason: String,
    },
    /// Spans were left when the time to shut down was over.
    #[error("{left} spans still waited for Jaeger when the time to shut down was over")]
    Unfinished {
        /// How many.
        left: usize,
    },
}
