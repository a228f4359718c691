//! `[jaeger]`: where kept traces go.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::declare::section;
use crate::config::secret::Secret;
use crate::config::setting::choice;

section! {
    /// Where kept traces are sent. A Jaeger that cannot be reached costs the service nothing but
    /// the traces, which are counted as dropped.
    pub struct Jaeger in "jaeger" {
        /// "otlp-http", "otlp-grpc", "udp" for a Jaeger agent, or "off".
        restart protocol: Protocol = Protocol::OtlpHttp;
        /// Address of Jaeger. Empty: "http://localhost:4318" for otlp-http,
        /// "http://localhost:4317" for otlp-grpc, "localhost:6831" for udp. For otlp-http an
        /// address without a path is continued with `/v1/traces`; with a path it is used as it is.
        /// User and password in it become the header `authorization`, and are never shown.
        restart endpoint: String = String::new(), check ENDPOINT,
            example "\"http://jaeger.internal:4318\"";
        /// Headers sent with every OTLP export, such as the token of a collector. Values are
        /// secrets and are never shown.
        restart headers: BTreeMap<String, Secret> = BTreeMap::new(), check HEADERS,
            example "{ \"authorization\" = \"Bearer ...\" }";
        /// How OTLP exports are compressed: "none" or "gzip".
        restart compression: Compression = Compression::None;
        /// File with the certificates (PEM) of the CA that a collector by `https://` is checked
        /// against. Empty: those of the system.
        restart ca_file: String = String::new(), example "\"/etc/ssl/collector-ca.pem\"";
        /// File with the certificate (PEM) that the collector asks this service for. Empty: none.
        restart client_certificate_file: String = String::new(),
            example "\"/etc/ssl/store.pem\"";
        /// File with the private key (PEM) of that certificate.
        restart client_key_file: String = String::new(), example "\"/etc/ssl/store.key\"";
        /// Longest time for one export by OTLP, all its tries together. While the collector asks to
        /// be left alone (`Retry-After`), spans wait, and that time does not count.
        restart timeout: Duration = Duration::from_secs(10), check LONGER_THAN_ZERO;
        /// Address of Jaeger's web page, for links to traces. Empty: no links.
        live ui_url: String = "http://localhost:16686".to_owned(), check WEB_PAGE;
        /// Most spans in one export.
        restart batch_spans: usize = 512, check AT_LEAST_ONE;
        /// Most bytes in one export by OTLP. Absent: 4 MiB for otlp-grpc, 20 MiB for otlp-http,
        /// which is what collectors take. What is refused as too large is halved.
        restart batch_bytes: Option<usize> = None, check AT_LEAST_ONE, example "1_048_576";
        /// Most spans that wait to be sent; further ones are counted as dropped.
        restart queue_spans: usize = 16_384, check AT_LEAST_ONE;
        /// Longest time that a span waits for its batch to fill.
        restart flush_interval: Duration = Duration::from_secs(1), check LONGER_THAN_ZERO;
    }
}

choice! {
    /// How traces are sent.
    pub enum Protocol {
        /// OTLP, protobuf over HTTP; port 4318.
        OtlpHttp = "otlp-http",
        /// OTLP over gRPC; port 4317.
        OtlpGrpc = "otlp-grpc",
        /// Compact thrift over UDP to a Jaeger agent; port 6831.
        Udp = "udp",
        /// Not at all.
        Off = "off",
    }
    expected "\"otlp-http\", \"otlp-grpc\", \"udp\" or \"off\""
}

choice! {
    /// How exports are compressed.
    pub enum Compression {
        /// Not at all.
        None = "none",
        /// By gzip: less to send, more to compute.
        Gzip = "gzip",
    }
    expected "\"none\" or \"gzip\""
}
