//! Connections to the collector: direct or through a proxy, with or without TLS.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::export::ExportError;

/// An HTTP client of our own, so that exports are never traced themselves. It follows no redirect.
pub(super) type Client<B> = legacy::Client<Connector, B>;

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// How long a connection may be silent before the collector is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(20);

/// A client that speaks HTTP/1 or, without asking, HTTP/2.
pub(super) fn client<B>(connector: Connector, only_http2: bool) -> Client<B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(1);
    #[cfg(feature = "otlp-grpc")]
    builder
        .http2_only(only_http2)
        .http2_keep_alive_interval(SILENCE);
    #[cfg(not(feature = "otlp-grpc"))]
    let _ = (only_http2, SILENCE);
    builder.build(connector)
}

/// Connects to the endpoint.
#[derive(Debug, Clone)]
pub(super) enum Connector {
    Plain(Route),
    Tls(HttpsConnector<Route>),
}

impl Connector {
    /// A connector to this endpoint, for HTTP/1 or HTTP/2 alone.
    pub(super) fn new(
        endpoint: &Uri,
        tls: Option<rustls::ClientConfig>,
        only_http2: bool,
    ) -> Result<Self, ExportError> {
        // A proxy that reads requests knows HTTP/1; what it cannot read it passes on as it is.
        let route = Route::new(endpoint, only_http2 || tls.is_some());
        let Some(mut tls) = tls else {
            return Ok(Self::Plain(route));
        };
        let protocol: &[u8] = if only_http2 { b"h2" } else { b"http/1.1" };
        tls.alpn_protocols = vec![protocol.to_vec()];
        let host = endpoint.host().unwrap_or_default();
        let name =
            ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|error| {
                ExportError::Client(format!("`{host}` in `jaeger.endpoint`: {error}"))
            })?;
        let name = Arc::new(FixedServerNameResolver::new(name));
        Ok(Self::Tls(HttpsConnector::new(
            route,
            Arc::new(tls),
            true,
            name,
        )))
    }

    /// What a proxy that reads requests wants to know.
    pub(super) fn proxy_authorization(&self) -> Option<HeaderValue> {
        match self {
            Self::Plain(Route {
                proxy: Some(proxy),
                tunnels: false,
                ..
            }) => proxy.authorization.clone(),
            _ => None,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Tcp>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Plain(route) => route.poll_ready(context),
            Self::Tls(tls) => tls.poll_ready(context),
        }
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        match self {
            Self::Plain(route) => {
                let connecting = route.call(destination);
                Box::pin(async move { connecting.await.map(MaybeHttpsStream::Http) })
            }
            Self::Tls(tls) => tls.call(destination),
        }
    }
}

/// The way that bytes take.
#[derive(Debug, Clone)]
pub(super) struct Route {
    tcp: HttpConnector,
    proxy: Option<Proxy>,
    tunnels: bool,
}

#[derive(Debug, Clone)]
struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

impl Route {
    fn new(endpoint: &Uri, tunnels: bool) -> Self {
        let mut tcp = HttpConnector::new();
        // The scheme is the business of the layer above.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self {
            tcp,
            proxy: proxy_for(endpoint, &Matcher::from_env()),
            tunnels,
        }
    }
}

/// The proxy that the environment names for this endpoint. What runs on this machine is reached
/// directly: a proxy elsewhere would look for it on its own.
fn proxy_for(endpoint: &Uri, matcher: &Matcher) -> Option<Proxy> {
    let host = endpoint.host()?.trim_matches(['[', ']']);
    let is_local = match host.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }
    };
    if is_local {
        return None;
    }
    let intercept = matcher.intercept(endpoint)?;
    let scheme = intercept.uri().scheme_str().unwrap_or_default();
    if scheme != "http" {
        // Spoken to in plain HTTP, it would get its password in clear text.
        tracing::warn!(
            "the environment names a proxy by `{scheme}://` for exports to Jaeger, expected \
             `http://`: spans go to `{host}` directly; set NO_PROXY if that is what you want"
        );
        return None;
    }
    Some(Proxy {
        uri: intercept.uri().clone(),
        authorization: intercept.basic_auth().cloned(),
    })
}

impl Service<Uri> for Route {
    type Response = Tcp;
    type Error = BoxError;
    type Future = Connecting<Tcp>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let mut tcp = self.tcp.clone();
        let (proxy, tunnels) = (self.proxy.clone(), self.tunnels);
        Box::pin(async move {
            let (stream, proxied) = match proxy {
                None => (tcp.call(destination).await?, false),
                Some(proxy) if tunnels => {
                    let mut tunnel = Tunnel::new(proxy.uri, tcp);
                    if let Some(authorization) = proxy.authorization {
                        tunnel = tunnel.with_auth(authorization);
                    }
                    (tunnel.call(destination).await?, false)
                }
                Some(proxy) => (tcp.call(proxy.uri).await?, true),
            };
            Ok(Tcp { stream, proxied })
        })
    }
}

/// A connection that knows whether a proxy reads what goes through it.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TokioIo<TcpStream>,
    proxied: bool,
}

impl Connection for Tcp {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.proxied)
    }
}

impl Read for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }
}

/// The last cause says the most: `connection refused`. What wraps it repeats the URL.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    /// The head of the first request that a proxy gets for a collector elsewhere.
    async fn seen_by_proxy(tunnels: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://user:pass@{}", listener.local_addr().unwrap());
        let matcher = Matcher::builder().all(proxy).build();
        let endpoint = Uri::from_static("http://collector.invalid:4318/v1/traces");
        let mut route = Route::new(&endpoint, tunnels);
        route.proxy = proxy_for(&endpoint, &matcher);
        let connector = Connector::Plain(route);
        let authorization = connector.proxy_authorization();
        assert_eq!(authorization.is_some(), !tunnels);
        let mut request = http::Request::post(endpoint);
        if let Some(value) = authorization {
            request = request.header(http::header::PROXY_AUTHORIZATION, value);
        }
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let calling = tokio::spawn(client(connector, false).request(request));
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0);
        }
        calling.abort();
        String::from_utf8(head).unwrap().to_lowercase()
    }

    #[tokio::test]
    async fn a_proxy_gets_what_it_can_read_and_a_tunnel_for_the_rest() {
        const AUTHORIZATION: &str = "proxy-authorization: basic dxnlcjpwyxnz";
        let head = seen_by_proxy(false).await;
        let line = "post http://collector.invalid:4318/v1/traces http/1.1\r\n";
        assert!(head.starts_with(line), "{head}");
        assert!(head.contains(AUTHORIZATION), "{head}");
        let head = seen_by_proxy(true).await;
        let line = "connect collector.invalid:4318 http/1.1\r\n";
        assert!(head.starts_with(line), "{head}");
        assert!(head.contains(AUTHORIZATION), "{head}");
    }

    #[test]
    fn loopback_never_goes_to_a_proxy() {
        let matcher = Matcher::builder()
            .all("http://user:pass@proxy:3128")
            .build();
        let proxy = |endpoint: &'static str| proxy_for(&Uri::from_static(endpoint), &matcher);
        for endpoint in [
            "http://localhost:4318",
            "http://LOCALHOST:4318",
            "https://jaeger.localhost",
            "http://127.0.0.1:4318",
            "http://127.1.2.3:4318",
            "http://[::1]:4318",
            "http://0.0.0.0:4318",
        ] {
            assert!(proxy(endpoint).is_none(), "{endpoint}");
        }
        for endpoint in ["http://collector:4318", "https://10.0.0.1:4318"] {
            let proxy = proxy(endpoint).unwrap();
            assert_eq!(proxy.uri.host(), Some("proxy"));
            assert!(proxy.authorization.is_some());
        }
    }

    #[test]
    fn a_proxy_that_is_not_plain_http_is_not_spoken_to() {
        for proxy in ["https://user:pass@proxy:3128", "socks5://proxy:1080"] {
            let matcher = Matcher::builder().all(proxy).build();
            let endpoint = Uri::from_static("http://collector:4318");
            assert!(proxy_for(&endpoint, &matcher).is_none(), "{proxy}");
        }
    }
}
