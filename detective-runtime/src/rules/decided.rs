//! The values that apply to a function or a route, and what decided each of them, down to the line
//! of the file.

use std::time::Duration;

use serde::Serialize;

use crate::attribute::Callsite;
use crate::clock;
use crate::config::{Place, Rule};
use crate::rules::Snapshot;
use crate::rules::layers::{Layers, Source};

/// All values that apply to one function or route.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Decisions {
    pub(crate) spans: Decided<bool>,
    pub(crate) histogram: Decided<bool>,
    /// Upper bounds in seconds.
    pub(crate) buckets: Decided<Vec<f64>>,
    pub(crate) record: Decided<bool>,
    pub(crate) sample: Decided<f64>,
    /// Seconds.
    pub(crate) slow: Decided<f64>,
    /// Without the headers on the deny-list.
    pub(crate) request_headers: Decided<Vec<String>>,
    pub(crate) response_headers: Decided<Vec<String>>,
}

/// A value and what decided it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Decided<T> {
    pub(crate) value: T,
    /// `boost`, `builder`, `variable`, `file`, `attribute` or `default`.
    pub(crate) layer: &'static str,
    /// The line of the file or of the attribute, the name of the variable, the call in the program,
    /// or the end of the boost.
    pub(crate) place: Option<String>,
    /// The key, as in `investigate."store::*".sample`; `None` for a default without a key.
    pub(crate) key: Option<String>,
}

/// A key of a rule.
#[derive(Clone, Copy)]
struct Key {
    name: &'static str,
    /// The section whose key of the same name applies when no rule decides.
    section: Option<&'static str>,
}

impl Snapshot {
    /// The values for `callsite`: for its own span and histogram, and for the requests that it
    /// answers, unless a route decides otherwise.
    pub(crate) fn in_force_for_function(&self, callsite: &'static Callsite) -> Decisions {
        self.in_force(&self.function_layers(callsite))
    }

    /// The values for the requests of `endpoint`, unless the function that answers decides
    /// otherwise.
    pub(crate) fn in_force_for_route(&self, endpoint: &str) -> Decisions {
        self.in_force(&self.route_layers(endpoint))
    }

    /// Whether a route is excluded.
    pub(crate) fn excluded(&self, endpoint: &str) -> Decided<bool> {
        let value = self.config.http.excludes(endpoint);
        self.of_section(value, "http", "exclude")
    }

    fn in_force(&self, layers: &Layers<'_>) -> Decisions {
        let config = &self.config;
        let (tracing, metrics, capture) = (&config.tracing, &config.metrics, &config.capture);
        let in_section = |section, name| Key {
            name,
            section: Some(section),
        };
        let seconds = |time: Duration| time.as_secs_f64();
        let headers = |name, of_rule: fn(&Rule) -> Option<Vec<String>>, general: &Vec<String>| {
            let key = in_section("capture", name);
            let mut decided = self.decided(key, layers, of_rule, general.clone());
            decided.value.retain(|name| !capture.denies(name));
            decided
        };
        Decisions {
            spans: self.switched("spans", ("tracing", tracing.enabled), layers, |rule| {
                rule.spans
            }),
            histogram: self.switched("histogram", ("metrics", metrics.enabled), layers, |rule| {
                rule.histogram
            }),
            buckets: self.decided(
                in_section("metrics", "buckets"),
                layers,
                |rule| rule.buckets.clone(),
                metrics.buckets.clone(),
            ),
            record: self.switched("record", ("store", config.store.enabled), layers, |rule| {
                rule.record
            }),
            sample: self.decided(
                in_section("tracing", "sample"),
                layers,
                |rule| rule.sample,
                tracing.sample,
            ),
            slow: self.decided(
                in_section("tracing", "slow"),
                layers,
                |rule| rule.slow.map(seconds),
                seconds(tracing.slow),
            ),
            request_headers: headers(
                "request_headers",
                |rule| rule.request_headers.clone(),
                &capture.request_headers,
            ),
            response_headers: headers(
                "response_headers",
                |rule| rule.response_headers.clone(),
                &capture.response_headers,
            ),
        }
    }

    /// A value that is on by default, and that `enabled` of a section can switch off for all.
    fn switched(
        &self,
        name: &'static str,
        (section, enabled): (&str, bool),
        layers: &Layers<'_>,
        of_rule: impl Fn(&Rule) -> Option<bool>,
    ) -> Decided<bool> {
        if !enabled {
            return self.of_section(false, section, "enabled");
        }
        let key = Key {
            name,
            section: None,
        };
        self.decided(key, layers, of_rule, true)
    }

    fn decided<T>(
        &self,
        key: Key,
        layers: &Layers<'_>,
        of_rule: impl Fn(&Rule) -> Option<T>,
        general: T,
    ) -> Decided<T> {
        let (value, source) = match layers.decide(of_rule) {
            Some((value, source)) => (value, source),
            None => (general, Source::Section),
        };
        match (source, key.section) {
            (Source::Section, Some(section)) => self.of_section(value, section, key.name),
            (Source::Pattern(table, pattern), _) => {
                let place = self.provenance.place(&[table, pattern, key.name]);
                let name = format!("{table}.\"{pattern}\".{}", key.name);
                placed(value, place, name)
            }
            (Source::Boost(boost), _) => Decided {
                value,
                layer: "boost",
                place: Some(format!(
                    "boost {} until {}",
                    boost.id,
                    clock::text(boost.until)
                )),
                key: Some(key.name.to_owned()),
            },
            (Source::Attribute(callsite), _) => Decided {
                value,
                layer: "attribute",
                place: Some(format!("{}:{}", callsite.site().file, callsite.site().line)),
                key: Some(key.name.to_owned()),
            },
            (Source::Section, None) => Decided {
                value,
                layer: "default",
                place: None,
                key: None,
            },
        }
    }

    fn of_section<T>(&self, value: T, section: &str, name: &str) -> Decided<T> {
        let place = self.provenance.place(&[section, name]);
        placed(value, place, format!("{section}.{name}"))
    }
}

/// A value of the config, with its place.
fn placed<T>(value: T, place: &Place, key: String) -> Decided<T> {
    let (layer, place) = match place {
        Place::Default => ("default", None),
        Place::File { .. } => ("file", Some(place.to_string())),
        Place::Variable(_) => ("variable", Some(place.to_string())),
        Place::Program(_) => ("builder", Some(place.to_string())),
    };
    Decided {
        value,
        layer,
        place,
        key: Some(key),
    }
}
