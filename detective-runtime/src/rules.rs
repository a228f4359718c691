//! What the config decides, resolved for every route and function: a snapshot that a request takes
//! once, at its beginning, and keeps.

use http::HeaderName;
use once_cell::race::OnceBox;

use crate::callsite::{self, Callsite};
use crate::clock;
use crate::config::{Config, Rule, Watch, pattern, rules};
use crate::http::Slot;
use crate::metrics::Bounds;
use crate::trace::Ratio;

/// One state of the config, with everything that can be worked out beforehand.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) config: Config,
    functions: Box<[FunctionRule]>,
    /// By slot; filled when the slot is first used under this snapshot.
    routes: Box<[OnceBox<RouteRule>]>,
    /// For slots beyond the room, which then share one rule.
    further_routes: OnceBox<RouteRule>,
}

/// Most slots with a rule of their own; each takes one word until it is used.
const ROUTES: usize = 4096;

/// What holds for an investigated function.
#[derive(Debug, Default)]
pub(crate) struct FunctionRule {
    /// Whether its calls become spans.
    pub(crate) spans: bool,
    /// Whether its calls move `function_duration_seconds`.
    pub(crate) histogram: bool,
    /// What it decides for the requests that it answers, unless the route does.
    request: RequestRule,
}

/// What holds for the requests of one route.
#[derive(Debug)]
pub(crate) struct RouteRule {
    /// Nothing of it is recorded, nor of what it calls.
    pub(crate) excluded: bool,
    pub(crate) spans: bool,
    pub(crate) histogram: bool,
    /// What is decided for downstream, before the handler is known.
    pub(crate) ratio: Ratio,
    pub(crate) request_headers: Box<[HeaderName]>,
    pub(crate) response_headers: Box<[HeaderName]>,
    request: RequestRule,
}

/// What route and function can both decide.
#[derive(Debug, Default, Clone, Copy)]
struct RequestRule {
    record: Option<bool>,
    ratio: Option<Ratio>,
    slow: Option<u64>,
}

/// What holds for one finished request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decision {
    /// Whether it becomes a row.
    pub(crate) record: bool,
    pub(crate) ratio: Ratio,
    pub(crate) slow_nanos: u64,
}

impl Snapshot {
    /// Resolves `config` for every investigated function, and makes room for the routes.
    pub(crate) fn new(config: Config) -> Self {
        let functions = callsite::all()
            .iter()
            .map(|callsite| function_rule(&config, callsite))
            .collect();
        let routes = std::iter::repeat_with(OnceBox::new).take(ROUTES).collect();
        Self {
            config,
            functions,
            routes,
            further_routes: OnceBox::new(),
        }
    }

    /// Whether nothing at all is recorded.
    pub(crate) fn is_off(&self) -> bool {
        let config = &self.config;
        !config.tracing.enabled && !config.metrics.enabled && !config.store.enabled
    }

    /// Whether only requests that an investigated function answers are recorded.
    pub(crate) fn watches_investigated_only(&self) -> bool {
        self.config.http.watch == Watch::Investigated
    }

    /// The bounds of the latency histogram of `endpoint`.
    pub(crate) fn bounds(&self, endpoint: &str) -> Bounds {
        let rule = rules::resolve_route(&self.config, endpoint);
        Bounds::from_seconds(
            rule.buckets
                .as_deref()
                .unwrap_or(&self.config.metrics.buckets),
        )
    }

    /// The bounds of `function_duration_seconds` of `callsite`.
    pub(crate) fn function_bounds(&self, callsite: &Callsite) -> Bounds {
        let rule = rules::resolve_function(&self.config, callsite.path());
        Bounds::from_seconds(
            rule.buckets
                .as_deref()
                .unwrap_or(&self.config.metrics.buckets),
        )
    }

    /// What holds for `callsite`. A function that is not in the register yet has no rule, and
    /// nothing of it is recorded.
    pub(crate) fn function(&self, callsite: &Callsite) -> &FunctionRule {
        static UNKNOWN: FunctionRule = FunctionRule {
            spans: false,
            histogram: false,
            request: RequestRule {
                record: None,
                ratio: None,
                slow: None,
            },
        };
        callsite
            .index()
            .and_then(|index| self.functions.get(index))
            .unwrap_or(&UNKNOWN)
    }

    /// What holds for the requests of `slot`.
    pub(crate) fn route(&self, slot: &Slot) -> &RouteRule {
        let place = self.routes.get(slot.index).unwrap_or(&self.further_routes);
        place.get_or_init(|| Box::new(route_rule(&self.config, slot)))
    }

    /// What holds for a finished request; without a slot, for work outside any request.
    pub(crate) fn decide(&self, slot: Option<&Slot>, handler: Option<&Callsite>) -> Decision {
        let route = slot
            .map(|slot| self.route(slot).request)
            .unwrap_or_default();
        let function = handler
            .map(|handler| self.function(handler).request)
            .unwrap_or_default();
        let tracing = &self.config.tracing;
        Decision {
            record: route.record.or(function.record).unwrap_or(true),
            ratio: route
                .ratio
                .or(function.ratio)
                .unwrap_or_else(|| Ratio::new(tracing.sample)),
            slow_nanos: route
                .slow
                .or(function.slow)
                .unwrap_or_else(|| clock::nanos(tracing.slow)),
        }
    }
}

impl From<&Rule> for RequestRule {
    fn from(rule: &Rule) -> Self {
        Self {
            record: rule.record,
            ratio: rule.sample.map(Ratio::new),
            slow: rule.slow.map(clock::nanos),
        }
    }
}

fn function_rule(config: &Config, callsite: &Callsite) -> FunctionRule {
    let options = &callsite.site().options;
    let rule = rules::resolve_function(config, &callsite.path());
    FunctionRule {
        spans: rule.spans.or(options.span).unwrap_or(true),
        histogram: rule.histogram.or(options.histogram).unwrap_or(true),
        request: RequestRule {
            record: rule.record.or(options.record),
            ratio: rule.sample.or(options.sample).map(Ratio::new),
            slow: rule.slow.or(options.slow).map(clock::nanos),
        },
    }
}

fn route_rule(config: &Config, slot: &Slot) -> RouteRule {
    let rule = rules::resolve_route(config, &slot.endpoint);
    let headers = |own: &Option<Vec<String>>, general: &[String]| {
        own.as_deref()
            .unwrap_or(general)
            .iter()
            .filter_map(|name| allowed_header(config, name))
            .collect()
    };
    RouteRule {
        excluded: slot.is_route && is_excluded(config, &slot.endpoint),
        spans: config.tracing.enabled && rule.spans.unwrap_or(true),
        histogram: rule.histogram.unwrap_or(true),
        ratio: Ratio::new(rule.sample.unwrap_or(config.tracing.sample)),
        request_headers: headers(&rule.request_headers, &config.capture.request_headers),
        response_headers: headers(&rule.response_headers, &config.capture.response_headers),
        request: RequestRule::from(&rule),
    }
}

/// Whether a route template or a raw path is left out.
pub(crate) fn is_excluded(config: &Config, path: &str) -> bool {
    config
        .http
        .exclude
        .iter()
        .any(|excluded| pattern::matches(excluded, path))
}

/// The name that the config gives to a path which no route matched.
pub(crate) fn group<'a>(config: &'a Config, path: &str) -> Option<&'a str> {
    config
        .http
        .groups
        .iter()
        .find(|(group, _)| pattern::matches(group, path))
        .map(|(_, name)| name.as_str())
}

/// The header, if it may be captured. The deny-list always wins.
fn allowed_header(config: &Config, name: &str) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    (!config.capture.denies(name.as_str())).then_some(name)
}
