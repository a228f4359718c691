//! Every setting of Detective: where it is declared, how it is loaded, and how mistakes are reported.
//!
//! [`Config`] has one struct for each section of `detective.toml`. Each key is declared once, in the
//! file of its section, with its meaning, type, default and check. The struct, the diagnostics and
//! the reference text are made from this declaration. [`Loader`] merges these sources. If several set
//! the same key, the first one wins:
//!
//! 1. the program ([`Loader::set`]),
//! 2. `DETECTIVE_<SECTION>__<KEY>`, for example `DETECTIVE_STORE__URL`,
//! 3. the standard `OTEL_*` variables,
//! 4. `detective.toml`: `[profile.<name>.<section>]` of the current profile, then `[<section>]`,
//! 5. the defaults.
//!
//! # Arguments of the attribute and rules of the file
//!
//! An operator may tune `sample`, `slow`, `record`, `spans`, `histogram` and `buckets`, so the file
//! wins over the code. For an investigated function, and for the request that it handles, the first
//! of these that sets a key decides:
//!
//! 1. the closest rule in `[routes]` for the request's route. It does not apply to a function's own
//!    span and histogram,
//! 2. the closest rule in `[investigate]` for the function,
//! 3. the section, if any of the sources above sets `tracing.sample`, `tracing.slow` or
//!    `metrics.buckets`,
//! 4. the arguments of the function's `#[investigate]`, then those of the block around it,
//! 5. the defaults.
//!
//! So a rule for one function or route wins over a variable that sets the section for all of them.
//! `tracing.enabled`, `metrics.enabled` and `store.enabled` turn off everything of their kind. No rule
//! and no argument can turn it on again.
//!
//! # Mistakes
//!
//! A load reports all mistakes at once, each with its place ([`ConfigError`]). [`Provenance`] tells
//! which place decided a value.
//!
//! A running program applies a changed file by itself. It loads and checks the file as it does at
//! start. Then the next request uses the new settings, all of them at once. A key whose [`Effect`] is
//! [`Restart`](Effect::Restart) keeps its value until the next start, and the log says so.

mod check;
mod collector;
mod declare;
mod diagnostic;
mod entry;
mod environment;
mod file;
mod in_force;
mod load;
mod loaded;
mod otel;
pub(crate) mod pattern;
mod reference;
mod restart;
mod review;
mod schema;
mod secret;
mod section;
mod setting;
#[cfg(test)]
mod tests;
mod toml;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use figment::value::{Dict, Value};

pub use self::declare::{Effect, Key, Section};
pub(crate) use self::diagnostic::nearest;
pub use self::diagnostic::{ConfigError, Diagnostic, Place};
pub(crate) use self::in_force::InForce;
pub use self::load::Loader;
pub use self::loaded::{Loaded, Origin, Provenance};
pub use self::reference::reference;
pub(crate) use self::reference::reference_for;
pub(crate) use self::schema::SCHEMA_FILE;
pub use self::schema::schema;
pub use self::secret::Secret;
pub use self::section::{
    Admin, Analytics, Cache, Capture, ClientAddress, Compression, Http, Jaeger, Metrics, Naming,
    Pipeline, Protocol, Rule, Service, Store, Tracing, Watch,
};
pub use self::setting::Kind;

use self::declare::Declared;

/// Makes [`Config`] and what is known of its sections from one list of them.
macro_rules! config {
    ($($(#[doc = $doc:literal])+ $section:ident: $Section:ident,)+) => {
        /// Every setting. `Config::default()` has the values that apply without a file.
        ///
        /// # Examples
        ///
        /// ```
        /// use detective::config::Config;
        ///
        /// let mut config = Config::default();
        /// assert_eq!(config.tracing.sample, 1.0);
        /// config.tracing.sample = 0.1;
        /// ```
        #[derive(Debug, Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Config {
            $($(#[doc = $doc])+ pub $section: $Section,)+
            /// `[routes."/users/{user_id}"]`: rules for routes, by template. In the pattern, `*`
            /// matches any text.
            pub routes: BTreeMap<String, Rule>,
            /// `[investigate."store::users::*"]`: rules for functions, by path. In the pattern,
            /// `*` matches any text.
            pub investigate: BTreeMap<String, Rule>,
        }

        impl Config {
            /// Reads the merged values, each of which its key has accepted.
            fn read(values: &Dict) -> Self {
                let table = |name: &str| values.get(name).and_then(Value::as_dict);
                let rules = |name: &str| -> BTreeMap<String, Rule> {
                    let rules = table(name).into_iter().flatten();
                    rules
                        .filter_map(|(pattern, rule)| {
                            Some((pattern.clone(), Rule::read(rule.as_dict()?)))
                        })
                        .collect()
                };
                Self {
                    $($section: table(stringify!($section)).map($Section::read).unwrap_or_default(),)+
                    routes: rules("routes"),
                    investigate: rules("investigate"),
                }
            }
        }

        impl Config {
            /// The values of all keys, by section, in the order of [`sections`].
            fn values(&self) -> Vec<Vec<Option<String>>> {
                vec![$(self.$section.values()),+]
            }
        }

        static SECTIONS: LazyLock<Vec<Section>> =
            LazyLock::new(|| vec![$($Section::section()),+]);
    };
}

config! {
    /// `[service]`: the name and version of this program.
    service: Service,
    /// `[http]`: which requests are recorded, and under which names.
    http: Http,
    /// `[capture]`: which data of a request are recorded.
    capture: Capture,
    /// `[tracing]`: which traces are recorded and kept.
    tracing: Tracing,
    /// `[jaeger]`: where kept traces are sent.
    jaeger: Jaeger,
    /// `[metrics]`: what `/metrics` shows.
    metrics: Metrics,
    /// `[store]`: where the row of each request is written.
    store: Store,
    /// `[cache]`: where cached values are kept.
    cache: Cache,
    /// `[analytics]`: the routes under `/analytics`.
    analytics: Analytics,
    /// `[admin]`: where `/metrics` and `/analytics` are served.
    admin: Admin,
    /// `[pipeline]`: the background thread that processes finished requests.
    pipeline: Pipeline,
}

/// The tables of rules, with what their patterns name.
const RULE_TABLES: [&str; 2] = ["routes", "investigate"];

static RULE: LazyLock<Section> = LazyLock::new(Rule::section);

/// All sections of `detective.toml` with their keys, in the order of the reference text. The keys of
/// `[routes."..."]` and `[investigate."..."]` are in [`rule_section`].
pub fn sections() -> &'static [Section] {
    &SECTIONS
}

/// The keys of a rule: `[routes."..."]` and `[investigate."..."]`.
pub fn rule_section() -> &'static Section {
    &RULE
}

/// The section of that name.
fn section(name: &str) -> Option<&'static Section> {
    sections().iter().find(|section| section.name == name)
}
