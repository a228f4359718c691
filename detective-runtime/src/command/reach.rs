//! Whether store, cache and Jaeger can be reached as the settings say.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::UdpSocket;
use tokio::time::Instant;

use super::doctor::{Item, State};
use crate::cache::Cache;
use crate::config::{Config, Loaded, Protocol};
use crate::export::{Ender, ExportError, ExportSpan, Exporter, SpanKind, resource};
use crate::lifecycle::parts;
use crate::metrics::{Part, Stats};

/// Opens the store as the program does at its start, which takes the lock for writing.
pub(super) async fn store(loaded: &Loaded) -> Item {
    let (config, directory) = (&loaded.config, &loaded.origin.directory);
    let url = config.store.resolved_url(directory);
    match parts::open_store(config, directory).await {
        Ok(None) => Item::new("store", State::Off, "off (`store.enabled`)"),
        Ok(Some(store)) => {
            store.reader.close().await;
            match store.writer.close().await {
                Ok(()) => {
                    let text = format!("{} can be opened and written", url.expose());
                    Item::new("store", State::Good, text)
                }
                Err(error) => Item::new("store", State::Bad, error.to_string()),
            }
        }
        Err(error) => Item::new("store", State::Bad, error.to_string()),
    }
}

/// Keeps a value for a moment, and takes it back.
pub(super) async fn cache(config: &Config) -> Item {
    const KEY: &str = "detective:doctor";
    let stats = Arc::new(Stats::default());
    let cache = match Cache::new(&config.cache, Arc::clone(&stats)) {
        Ok(cache) => cache,
        Err(error) => return Item::new("cache", State::Bad, error.to_string()),
    };
    if !cache.is_shared() {
        return Item::new("cache", State::Good, "in the memory of this process");
    }
    cache.set(KEY, &true, Duration::from_secs(5)).await;
    let kept: Option<bool> = cache.get(KEY).await;
    cache.remove(KEY).await;
    if kept == Some(true) {
        return Item::new("cache", State::Good, "Redis answers");
    }
    let (reason, _) = stats.trouble(Part::Cache).last.unzip();
    let text =
        reason.unwrap_or_else(|| "Redis did not return the value that was just set".to_owned());
    Item::new("cache", State::Bad, text).advise(
        "start Redis, correct `cache.url`, or set it to \"memory\"; until then every read is a miss",
    )
}

/// Exports one span, as the program would.
pub(super) async fn jaeger(config: &Config) -> Item {
    const PART: &str = "jaeger";
    let jaeger = &config.jaeger;
    if jaeger.protocol == Protocol::Off || !config.tracing.enabled {
        let key = match jaeger.protocol {
            Protocol::Off => "jaeger.protocol",
            _ => "tracing.enabled",
        };
        return Item::new(PART, State::Off, format!("off (`{key}`)"));
    }
    let stats = Arc::new(Stats::default());
    let exporter = Exporter::build(jaeger, resource(&config.service), &stats);
    let mut exporter = match exporter {
        Ok(exporter) => exporter,
        Err(error) => return Item::new(PART, State::Bad, error.to_string()),
    };
    let span = span();
    let trace = match jaeger.ui_url.trim_end_matches('/') {
        "" => format!("trace {:032x}", span.trace_id),
        page => format!("{page}/trace/{:032x}", span.trace_id),
    };
    // A collector that asks to be left alone is not waited for: the user waits here.
    let ender = Ender::new();
    ender.end(Instant::now() + jaeger.timeout);
    let outcome = exporter.export(vec![span], &mut ender.watch()).await;
    if let Some(error) = outcome.error {
        let text = match error {
            ExportError::Failed {
                endpoint, reason, ..
            } => format!("cannot send a span to `{endpoint}`: {reason}"),
            other => other.to_string(),
        };
        return Item::new(PART, State::Bad, text).advise(&advice(config));
    }
    if jaeger.protocol != Protocol::Udp {
        let text = match outcome.warning {
            None => format!("accepted a span: {trace}"),
            Some(warning) => format!("accepted a span: {trace}; {warning}"),
        };
        return Item::new(PART, State::Good, text);
    }
    let agent = match jaeger.endpoint.as_str() {
        "" => "localhost:6831",
        endpoint => endpoint,
    };
    match is_refused(agent).await {
        Ok(false) => {
            let text = format!(
                "a span was sent to the agent at {agent}; UDP has no response, so check that it arrived: {trace}"
            );
            Item::new(PART, State::Good, text)
        }
        Ok(true) => {
            let text = format!("no agent listens at {agent} (the datagram was refused)");
            Item::new(PART, State::Bad, text).advise(&advice(config))
        }
        Err(error) => {
            let text = format!("cannot reach {agent}: {error}");
            Item::new(PART, State::Bad, text).advise(&advice(config))
        }
    }
}

fn advice(config: &Config) -> String {
    let endpoint = config.jaeger.endpoint.as_str();
    let swapped = match config.jaeger.protocol {
        Protocol::OtlpHttp if endpoint.ends_with(":4317") => {
            "4317 is the port of \"otlp-grpc\": set `jaeger.protocol` to that, or use port 4318; or "
        }
        Protocol::OtlpGrpc if endpoint.ends_with(":4318") => {
            "4318 is the port of \"otlp-http\": set `jaeger.protocol` to that, or use port 4317; or "
        }
        _ => "",
    };
    format!(
        "{swapped}start Jaeger, correct `jaeger.endpoint`, or set `jaeger.protocol` to \"off\"; until then traces are dropped and counted"
    )
}

/// Whether the system on the other side says that nobody listens there: the answer to one datagram
/// comes with the next.
async fn is_refused(agent: &str) -> io::Result<bool> {
    const ANSWER: Duration = Duration::from_millis(100);
    let mut addresses = tokio::net::lookup_host(agent).await?;
    let agent = addresses
        .next()
        .ok_or_else(|| io::Error::other("the name has no address"))?;
    let local: SocketAddr = match agent {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(agent).await?;
    socket.send(&[]).await?;
    tokio::time::sleep(ANSWER).await;
    match socket.send(&[]).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
        sent => sent.map(|_| false),
    }
}

fn span() -> ExportSpan {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    ExportSpan {
        trace_id: fastrand::u128(1..),
        span_id: fastrand::u64(1..),
        parent_span_id: 0,
        parent_is_remote: false,
        flags: 1,
        trace_state: String::new(),
        name: "detective doctor".into(),
        kind: SpanKind::Internal,
        start_unix_nanos: now,
        end_unix_nanos: now,
        attributes: Vec::new(),
        events: Vec::new(),
        error: None,
    }
}
