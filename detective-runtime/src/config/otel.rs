//! The standard `OTEL_*` variables, as far as there is a key for what they say.
//!
//! As OpenTelemetry's specification of environment variables asks: an empty variable is unset,
//! only `true` in any case is true, and what cannot be understood is warned of and ignored.

use std::fmt::Display;

use figment::value::{Dict, Value};
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use super::diagnostic::{Diagnostic, Place};
use super::entry::Entry;
use super::environment::Environment;
use super::section;
use super::{Jaeger, Protocol};
use crate::export;

/// The entries of all `OTEL_*` variables but the endpoints, which need the protocol in force.
pub(super) fn entries(environment: &Environment, warnings: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let mut reader = Reader {
        environment,
        warnings,
        entries: Vec::new(),
    };
    reader.resource();
    reader.traces();
    reader.exporter();
    reader.batches();
    reader.others();
    reader.entries
}

/// The entry for the address that traces are sent to.
///
/// The path `v1/traces` is added to the general endpoint when it is reached by HTTP; the endpoint
/// for traces is used as it is. An agent has variables of its own.
pub(super) fn endpoint(
    environment: &Environment,
    protocol: Protocol,
    warnings: &mut Vec<Diagnostic>,
) -> Vec<Entry> {
    let mut reader = Reader {
        environment,
        warnings,
        entries: Vec::new(),
    };
    match protocol {
        Protocol::OtlpHttp | Protocol::OtlpGrpc => reader.collector(protocol),
        Protocol::Udp => reader.agent(),
        Protocol::Off => {}
    }
    reader.entries
}

struct Reader<'a> {
    environment: &'a Environment,
    warnings: &'a mut Vec<Diagnostic>,
    entries: Vec<Entry>,
}

impl<'a> Reader<'a> {
    fn resource(&mut self) {
        const VARIABLE: &str = "OTEL_RESOURCE_ATTRIBUTES";
        let mut attributes = Dict::new();
        for (name, value) in self.pairs(VARIABLE) {
            match name.as_str() {
                "service.name" => self.set(VARIABLE, "service", "name", value),
                "service.version" => self.set(VARIABLE, "service", "version", value),
                "service.instance.id" => self.set(VARIABLE, "service", "instance", value),
                _ => {
                    attributes.insert(name, value.into());
                }
            }
        }
        if !attributes.is_empty() {
            self.set(VARIABLE, "service", "attributes", attributes);
        }
        if let Some(name) = self.get("OTEL_SERVICE_NAME") {
            self.set("OTEL_SERVICE_NAME", "service", "name", name);
        }
    }

    fn traces(&mut self) {
        if self.is_true("OTEL_SDK_DISABLED") {
            self.set("OTEL_SDK_DISABLED", "tracing", "enabled", false);
        }
        self.sampler();
        self.propagators();
        self.protocol();
        const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
        let exporters: Vec<&str> = self.list(EXPORTER);
        for exporter in &exporters {
            match *exporter {
                // Which of the two OTLP protocols is said elsewhere.
                "otlp" => {}
                "jaeger" => self.set(EXPORTER, "jaeger", "protocol", "udp"),
                "none" => self.set(EXPORTER, "jaeger", "protocol", "off"),
                other => self.ignored(EXPORTER, other, "`otlp`, `jaeger` or `none`"),
            }
        }
    }

    /// A sampler decides the share; that the caller's decision is followed is not its to change.
    fn sampler(&mut self) {
        const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
        const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(sampler) = self.get(SAMPLER) else {
            return;
        };
        match sampler.strip_prefix("parentbased_").unwrap_or(sampler) {
            "always_on" => self.set(SAMPLER, "tracing", "sample", 1.0),
            "always_off" => self.set(SAMPLER, "tracing", "sample", 0.0),
            "traceidratio" => match self.get(ARGUMENT) {
                None => self.set(SAMPLER, "tracing", "sample", 1.0),
                Some(text) => match text.parse::<f64>() {
                    Ok(share) => self.set(ARGUMENT, "tracing", "sample", share),
                    Err(_) => self.ignored(ARGUMENT, text, "a number from 0.0 to 1.0"),
                },
            },
            _ => self.ignored(
                SAMPLER,
                sampler,
                "`always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`",
            ),
        }
    }

    fn propagators(&mut self) {
        const VARIABLE: &str = "OTEL_PROPAGATORS";
        for propagator in self.list(VARIABLE) {
            match propagator {
                "tracecontext" | "baggage" => {}
                "none" => self.set(VARIABLE, "tracing", "trust_inbound", false),
                other => self.ignored(VARIABLE, other, "`tracecontext` or `none`"),
            }
        }
    }

    /// Which of the OTLP protocols is spoken, unless `OTEL_TRACES_EXPORTER`, which is read after it,
    /// says that none is.
    fn protocol(&mut self) {
        if let Some((variable, protocol)) = self.traces_or_general("PROTOCOL") {
            match protocol {
                "grpc" => self.set(&variable, "jaeger", "protocol", "otlp-grpc"),
                "http/protobuf" => self.set(&variable, "jaeger", "protocol", "otlp-http"),
                other => self.ignored(&variable, other, "`http/protobuf` or `grpc`"),
            }
        }
    }

    fn exporter(&mut self) {
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
            let files = Jaeger {
                ca_file: path.to_owned(),
                ..Jaeger::default()
            };
            match export::check_tls_files(&files) {
                Ok(()) => self.set(&variable, "jaeger", "ca_file", path),
                Err(error) => self.warn(&variable, &format!("ignored: {error}")),
            }
        }
        let certificate = self.traces_or_general("CLIENT_CERTIFICATE");
        let key = self.traces_or_general("CLIENT_KEY");
        match (certificate, key) {
            (Some((certificate, certificate_path)), Some((key, key_path))) => {
                let files = Jaeger {
                    client_certificate_file: certificate_path.to_owned(),
                    client_key_file: key_path.to_owned(),
                    ..Jaeger::default()
                };
                match export::check_tls_files(&files) {
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

    fn batches(&mut self) {
        self.milliseconds("OTEL_BSP_SCHEDULE_DELAY", "flush_interval");
        self.count("OTEL_BSP_MAX_QUEUE_SIZE", "jaeger", "queue_spans");
        self.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "jaeger", "batch_spans");
    }

    fn others(&mut self) {
        match self.get("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT") {
            Some(_) => {
                self.count(
                    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                    "capture",
                    "max_text_bytes",
                );
            }
            None => self.count(
                "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                "capture",
                "max_text_bytes",
            ),
        }
        const METHODS: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";
        let methods: Vec<Value> = self.list(METHODS).into_iter().map(Value::from).collect();
        if !methods.is_empty() {
            self.set(METHODS, "http", "known_methods", methods);
        }
        const EXEMPLARS: &str = "OTEL_METRICS_EXEMPLAR_FILTER";
        match self.get(EXEMPLARS) {
            Some("always_off") => self.set(EXEMPLARS, "metrics", "exemplars", false),
            Some("always_on" | "trace_based") => self.set(EXEMPLARS, "metrics", "exemplars", true),
            Some(other) => {
                self.ignored(
                    EXEMPLARS,
                    other,
                    "`always_on`, `always_off` or `trace_based`",
                );
            }
            None => {}
        }
        for variable in ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"] {
            if self.get(variable).is_some() {
                self.unsupported(variable);
            }
        }
    }

    fn collector(&mut self, protocol: Protocol) {
        const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
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
            if address.starts_with("https://")
                && let Err(error) = export::check_cryptography(&address)
            {
                self.warn(variable, &format!("ignored: {error}"));
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

    fn agent(&mut self) {
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

    fn get(&self, variable: &str) -> Option<&'a str> {
        self.environment.get(variable)
    }

    fn is_true(&self, variable: &str) -> bool {
        self.get(variable)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// An OTLP variable for traces, else the general one, with its name.
    fn traces_or_general(&self, what: &str) -> Option<(String, &'a str)> {
        let names = [
            format!("OTEL_EXPORTER_OTLP_TRACES_{what}"),
            format!("OTEL_EXPORTER_OTLP_{what}"),
        ];
        names.into_iter().find_map(|name| {
            let value = self.get(&name)?;
            Some((name, value))
        })
    }

    /// The words of a comma-separated list.
    fn list(&self, variable: &str) -> Vec<&'a str> {
        let words = self.get(variable).unwrap_or_default().split(',');
        words
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .collect()
    }

    /// `name=value` pairs as in W3C baggage: values are percent-encoded.
    fn pairs(&mut self, variable: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for word in self.list(variable) {
            match word.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    let value = percent_decode_str(value.trim()).decode_utf8_lossy();
                    pairs.push((name.trim().to_owned(), value.into_owned()));
                }
                // What stands there may be a secret.
                _ => self.warn(
                    variable,
                    "a part is ignored, expected `name=value,name=value`",
                ),
            }
        }
        pairs
    }

    fn milliseconds(&mut self, variable: &str, key: &str) {
        match self.get(variable).map(|text| (text, text.parse::<u64>())) {
            None => {}
            Some((_, Ok(number))) => self.set(variable, "jaeger", key, format!("{number}ms")),
            Some((text, Err(_))) => self.ignored(variable, text, "a whole number of milliseconds"),
        }
    }

    fn count(&mut self, variable: &str, section: &str, key: &str) {
        match self.get(variable).map(|text| (text, text.parse::<u64>())) {
            None => {}
            Some((_, Ok(number))) => self.set(variable, section, key, number),
            Some((text, Err(_))) => self.ignored(variable, text, "a whole number"),
        }
    }

    /// Sets a key, unless the value is none for it.
    fn set(&mut self, variable: &str, section_name: &str, key: &str, value: impl Into<Value>) {
        let value = value.into();
        let key = section(section_name)
            .and_then(|section| section.key(key))
            .expect("the variables above name declared keys");
        let place = Place::Variable(variable.to_owned());
        match key.verify(&value) {
            Ok(()) => self
                .entries
                .push(Entry::new(section_name, key.name, value, place)),
            Err(wrong) => {
                let name = format!("{section_name}.{}", key.name);
                let mut warning = Diagnostic::wrong_value(place, &name, key, &value, &wrong);
                warning.message.push_str("; ignored");
                self.warnings.push(warning);
            }
        }
    }

    fn ignored(&mut self, variable: &str, value: impl Display, expected: &str) {
        self.warn(
            variable,
            &format!("`{value}` is ignored, expected {expected}"),
        );
    }

    fn unsupported(&mut self, variable: &str) {
        self.warn(
            variable,
            "not supported and ignored, expected the settings in detective.toml",
        );
    }

    fn warn(&mut self, variable: &str, message: &str) {
        let place = Place::Variable(variable.to_owned());
        self.warnings.push(Diagnostic::new(place, message));
    }
}
