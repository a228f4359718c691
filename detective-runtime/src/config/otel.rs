//! The standard `OTEL_*` variables, as far as there is a key for what they say.
//!
//! As OpenTelemetry's specification of environment variables asks: an empty variable is unset,
//! only `true` in any case is true, and what cannot be understood is warned of and ignored.

mod exporter;

use std::fmt::Display;

use figment::value::{Dict, Value};
use percent_encoding::percent_decode_str;

use super::diagnostic::{Diagnostic, Place};
use super::entry::Entry;
use super::environment::Environment;
use super::{Jaeger, Protocol, section};

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
    jaeger: &Jaeger,
    warnings: &mut Vec<Diagnostic>,
) -> Vec<Entry> {
    let mut reader = Reader {
        environment,
        warnings,
        entries: Vec::new(),
    };
    match jaeger.protocol {
        Protocol::OtlpHttp | Protocol::OtlpGrpc => reader.collector(jaeger),
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
                "jaeger" => self.set_protocol(EXPORTER, "udp", "jaeger-udp"),
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
                "grpc" => self.set_protocol(&variable, "otlp-grpc", "otlp-grpc"),
                "http/protobuf" => self.set_protocol(&variable, "otlp-http", "otlp-http"),
                other => self.ignored(&variable, other, "`http/protobuf` or `grpc`"),
            }
        }
    }

    /// Sets a protocol, unless this program was built without the feature that brings it.
    fn set_protocol(&mut self, variable: &str, protocol: &str, feature: &str) {
        let is_built = match feature {
            "otlp-grpc" => cfg!(feature = "otlp-grpc"),
            "otlp-http" => cfg!(feature = "otlp-http"),
            _ => cfg!(feature = "jaeger-udp"),
        };
        if is_built {
            return self.set(variable, "jaeger", "protocol", protocol);
        }
        let message = format!(
            "ignored, this program was built without the feature `{feature}` of detective-runtime"
        );
        self.warn(variable, &message);
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
