//! `OTEL_EXPORTER_*`: where traces go, and how. Nothing that they say stops a program.

use figment::value::Dict;
use http::{HeaderName, HeaderValue};

use super::Reader;
use crate::config::diagnostic::without_user;
use crate::config::{Jaeger, Protocol};
use crate::tls::{self, Files};

impl Reader<'_> {
    pub(super) fn exporter(&mut self) {
        if let Some((variable, _)) = self.traces_or_general("HEADERS") {
            let mut headers = Dict::new();
            for (name, value) in self.pairs(&variable) {
                if HeaderName::try_from(&name).is_err() {
                    self.ignored(&variable, name, "the name of an HTTP header");
                } else if HeaderValue::try_from(&value).is_err() {
                    // The value may be a secret.
                    let message = format!(
                        "the value of `{name}` is ignored, expected visible ASCII characters"
                    );
                    self.warn(&variable, &message);
                } else {
                    headers.insert(name, value.into());
                }
            }
            if !headers.is_empty() {
                self.set(&variable, "jaeger", "headers", headers);
            }
        }
        match self.traces_or_general("TIMEOUT") {
            Some((variable, _)) => self.milliseconds(&variable, "timeout"),
            None => self.milliseconds("OTEL_BSP_EXPORT_TIMEOUT", "timeout"),
        }
        if let Some((variable, compression)) = self.traces_or_general("COMPRESSION") {
            match compression {
                "none" | "gzip" => self.set(&variable, "jaeger", "compression", compression),
                other => self.ignored(&variable, other, "`gzip` or `none`"),
            }
        }
        self.certificates();
    }

    /// The files for TLS, which are tried out here: a program does not stop for a variable.
    fn certificates(&mut self) {
        if let Some((variable, path)) = self.traces_or_general("CERTIFICATE") {
            let files = Files {
                ca: path,
                ..Files::default()
            };
            match tls::check_files(&files) {
                Ok(()) => self.set(&variable, "jaeger", "ca_file", path),
                Err(error) => self.warn(&variable, &format!("ignored: {error}")),
            }
        }
        let certificate = self.traces_or_general("CLIENT_CERTIFICATE");
        let key = self.traces_or_general("CLIENT_KEY");
        match (certificate, key) {
            (Some((certificate, certificate_path)), Some((key, key_path))) => {
                let files = Files {
                    certificate: certificate_path,
                    key: key_path,
                    ..Files::default()
                };
                match tls::check_files(&files) {
                    Ok(()) => {
                        let name = "client_certificate_file";
                        self.set(&certificate, "jaeger", name, certificate_path);
                        self.set(&key, "jaeger", "client_key_file", key_path);
                    }
                    Err(error) => {
                        self.warn(&certificate, &format!("ignored with `{key}`: {error}"));
                    }
                }
            }
            (Some((variable, _)), None) => {
                self.warn(
                    &variable,
                    "ignored, expected `OTEL_EXPORTER_OTLP_CLIENT_KEY` with it",
                );
            }
            (None, Some((variable, _))) => {
                let expected = "ignored, expected `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` with it";
                self.warn(&variable, expected);
            }
            (None, None) => {}
        }
    }

    pub(super) fn collector(&mut self, jaeger: &Jaeger) {
        const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let protocol = jaeger.protocol;
        let http = protocol == Protocol::OtlpHttp;
        let mut has_scheme = false;
        for (variable, exact) in [(TRACES, true), (GENERAL, false)] {
            let Some(text) = self.get(variable) else {
                continue;
            };
            has_scheme = text.contains("://");
            let address = match has_scheme {
                true => text.to_owned(),
                false => format!("{}://{text}", self.scheme(protocol)),
            };
            if let Err(why) = can_be_reached(&address, jaeger) {
                // The query may be a secret, too.
                let shown = text.split_once('?').map_or(text, |(address, _)| address);
                let shown = without_user(shown.to_owned());
                self.warn(variable, &format!("`{shown}` is ignored, {why}"));
                break;
            }
            let (_, host) = address.split_once("://").unwrap_or_default();
            let has_path = host.contains(['/', '?']);
            let address = match (http, exact) {
                (false, _) => address,
                // The path is the root, where an address in the file would be continued.
                (true, true) if !has_path || host.find('/') == Some(host.len() - 1) => {
                    format!("{}/?", address.trim_end_matches('/'))
                }
                (true, true) => address,
                (true, false) => format!("{}/v1/traces", address.trim_end_matches('/')),
            };
            self.set(variable, "jaeger", "endpoint", address);
            break;
        }
        // An address that says so itself needs no word of the variable.
        if let Some((variable, text)) = self.traces_or_general("INSECURE")
            && !has_scheme
            && !text.eq_ignore_ascii_case("true")
            && !text.eq_ignore_ascii_case("false")
        {
            self.ignored(&variable, text, "`true` or `false`");
        }
    }

    /// The scheme of an address that has none. OpenTelemetry takes it for secure unless it is told
    /// otherwise; here it is only when it is told so, since collectors nearby rarely have TLS.
    fn scheme(&self, protocol: Protocol) -> &'static str {
        match self.traces_or_general("INSECURE") {
            Some((_, text))
                if protocol == Protocol::OtlpGrpc && text.eq_ignore_ascii_case("false") =>
            {
                "https"
            }
            _ => "http",
        }
    }

    pub(super) fn agent(&mut self) {
        const HOST: &str = "OTEL_EXPORTER_JAEGER_AGENT_HOST";
        const PORT: &str = "OTEL_EXPORTER_JAEGER_AGENT_PORT";
        let variable = match (self.get(HOST), self.get(PORT)) {
            (None, None) => return,
            (Some(_), _) => HOST,
            (None, Some(_)) => PORT,
        };
        let host = match self.get(HOST).unwrap_or("localhost") {
            ip if ip.parse::<std::net::Ipv6Addr>().is_ok() => format!("[{ip}]"),
            host => host.to_owned(),
        };
        let port = match self.get(PORT) {
            None => 6831,
            Some(text) => text.parse::<u16>().unwrap_or_else(|_| {
                self.ignored(PORT, text, "a port number");
                6831
            }),
        };
        self.set(variable, "jaeger", "endpoint", format!("{host}:{port}"));
    }
}

/// Whether this system has what a connection to the address needs.
fn can_be_reached(address: &str, jaeger: &Jaeger) -> Result<(), String> {
    let scheme = address.split("://").next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("https") {
        return Ok(());
    }
    if let Some(advice) = tls::missing_cryptography() {
        return Err(format!("no cryptography for TLS is linked: {advice}"));
    }
    if jaeger.ca_file.is_empty() {
        return tls::check_store();
    }
    Ok(())
}
