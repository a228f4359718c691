//! Every setting of Detective: one struct for each section of `detective.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

/// Everything that can be configured. `Config::default()` is what holds with no file at all.
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub service: Service,
    pub http: Http,
    pub capture: Capture,
    pub tracing: Tracing,
    pub jaeger: Jaeger,
    pub metrics: Metrics,
    pub store: Store,
    pub cache: Cache,
    pub analytics: Analytics,
    pub admin: Admin,
    pub pipeline: Pipeline,
    /// Rules for routes by template: `[routes."/users/{user_id}"]`. `*` matches any text.
    pub routes: BTreeMap<String, Rule>,
    /// Rules for functions by path: `[investigate."store::users::*"]`.
    pub investigate: BTreeMap<String, Rule>,
}

#[derive(Debug, Clone)]
pub struct Service {
    /// Empty: the package of the investigated functions, else the executable's name.
    pub name: String,
    pub version: String,
    /// Empty: `host:pid`.
    pub instance: String,
    /// Further OpenTelemetry resource attributes (`deployment.environment.name = "prod"`).
    pub attributes: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub struct Http {
    pub watch: Watch,
    /// Route templates or raw paths that are not recorded; `*` matches any text.
    pub exclude: Vec<String>,
    /// Names for paths that no route template describes (mounted services): pattern to name.
    pub groups: BTreeMap<String, String>,
    pub known_methods: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    All,
    Investigated,
}

#[derive(Debug, Clone)]
pub struct Capture {
    pub path: bool,
    pub query: Vec<String>,
    pub request_headers: Vec<String>,
    pub response_headers: Vec<String>,
    /// Never captured, whatever the lists above say; added to the built-in list.
    pub deny: Vec<String>,
    pub client_address: ClientAddress,
    pub user_agent: bool,
    pub error: bool,
    /// Longest text kept of any one value, in bytes.
    pub max_text_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAddress {
    Full,
    Truncated,
    Hashed,
    Off,
}

#[derive(Debug, Clone)]
pub struct Tracing {
    pub enabled: bool,
    /// Share of traces that are kept when nothing else decides, 0.0 to 1.0.
    pub sample: f64,
    /// Requests that take longer are always kept.
    pub slow: Duration,
    pub trust_inbound: bool,
    pub exception_events: bool,
    /// Most spans kept of one request; further ones are counted as dropped.
    pub max_spans: usize,
}

#[derive(Debug, Clone)]
pub struct Jaeger {
    pub protocol: Protocol,
    /// Empty: `http://localhost:4318`, `http://localhost:4317` or `localhost:6831`, by protocol.
    pub endpoint: String,
    pub headers: BTreeMap<String, Secret>,
    pub timeout: Duration,
    pub ui_url: String,
    pub batch_spans: usize,
    pub queue_spans: usize,
    pub flush_interval: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    OtlpHttp,
    OtlpGrpc,
    Udp,
    Off,
}

#[derive(Debug, Clone)]
pub struct Metrics {
    pub enabled: bool,
    pub naming: Naming,
    /// Upper bounds of the latency histogram, in seconds, ascending.
    pub buckets: Vec<f64>,
    pub exemplars: bool,
    /// Most (method, route) pairs with series of their own; further ones share `_OVERFLOW`.
    pub max_routes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    Classic,
    Semconv,
}

#[derive(Debug, Clone)]
pub struct Store {
    pub enabled: bool,
    /// `sqlite://data/detective.db`; a relative path is relative to the config file.
    pub url: Secret,
    pub batch_rows: usize,
    pub queue_rows: usize,
}

#[derive(Debug, Clone)]
pub struct Cache {
    /// `memory` or `redis://...`.
    pub url: Secret,
    /// Most entries kept in memory.
    pub capacity: u64,
    /// Put before every key in Redis.
    pub prefix: String,
    /// Longest wait for Redis before the call counts as a miss.
    pub timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct Analytics {
    pub enabled: bool,
    pub token: Option<Secret>,
    /// How long an answer is reused.
    pub cache_ttl: Duration,
}

#[derive(Debug, Clone, Default)]
pub struct Admin {
    /// A listener of its own for `/metrics` and `/analytics`; absent: on the application's.
    pub listen: Option<SocketAddr>,
}

#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Most finished records that wait for the pipeline thread.
    pub queue_records: usize,
    pub tick: Duration,
    pub shutdown_timeout: Duration,
}

/// What a `[routes]` or `[investigate]` entry decides; an absent key leaves the decision to the
/// next layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rule {
    pub spans: Option<bool>,
    pub histogram: Option<bool>,
    pub buckets: Option<Vec<f64>>,
    pub record: Option<bool>,
    pub sample: Option<f64>,
    pub slow: Option<Duration>,
    pub request_headers: Option<Vec<String>>,
    pub response_headers: Option<Vec<String>>,
}

/// A text that hides itself in `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[hidden]")
    }
}

impl Default for Service {
    fn default() -> Self {
        Self {
            name: String::new(),
            version: String::new(),
            instance: String::new(),
            attributes: BTreeMap::new(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Self {
            watch: Watch::All,
            exclude: texts(&[
                "/health",
                "/healthz",
                "/health/*",
                "/live",
                "/livez",
                "/ready",
                "/readyz",
                "/ping",
                "/favicon.ico",
                "/robots.txt",
                "/.well-known/*",
            ]),
            groups: BTreeMap::new(),
            known_methods: texts(&[
                "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
                "QUERY",
            ]),
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            path: true,
            query: Vec::new(),
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            deny: Vec::new(),
            client_address: ClientAddress::Full,
            user_agent: true,
            error: true,
            max_text_bytes: 1024,
        }
    }
}

impl Default for Tracing {
    fn default() -> Self {
        Self {
            enabled: true,
            sample: 1.0,
            slow: Duration::from_secs(1),
            trust_inbound: true,
            exception_events: true,
            max_spans: 1000,
        }
    }
}

impl Default for Jaeger {
    fn default() -> Self {
        Self {
            protocol: Protocol::OtlpHttp,
            endpoint: String::new(),
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            ui_url: "http://localhost:16686".to_owned(),
            batch_spans: 512,
            queue_spans: 16_384,
            flush_interval: Duration::from_secs(1),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            enabled: true,
            naming: Naming::Classic,
            buckets: vec![
                0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
            ],
            exemplars: true,
            max_routes: 1000,
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            enabled: true,
            url: "sqlite://data/detective.db".into(),
            batch_rows: 2_000,
            queue_rows: 50_000,
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            url: "memory".into(),
            capacity: 10_000,
            prefix: String::new(),
            timeout: Duration::from_millis(250),
        }
    }
}

impl Default for Analytics {
    fn default() -> Self {
        Self {
            enabled: true,
            token: None,
            cache_ttl: Duration::from_secs(2),
        }
    }
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            queue_records: 65_536,
            tick: Duration::from_millis(50),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

/// Where the configuration came from, for paths that are relative to it.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The config file, if there is one.
    pub file: Option<PathBuf>,
}
