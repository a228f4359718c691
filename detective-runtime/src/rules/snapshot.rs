//! The config, resolved for every route and function. A request takes one snapshot when it begins,
//! and keeps it.

use http::HeaderName;
use once_cell::race::OnceBox;

use crate::attribute::{Callsite, callsite};
use crate::clock;
use crate::config::{Config, Loaded, Provenance, Rule, Watch};
use crate::metrics::Bounds;
use crate::propagation::Ratio;
use crate::rules::Slot;
use crate::rules::boost::Boost;
use crate::rules::layers::Layers;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

/// One version of the config, with everything that can be computed in advance.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) config: Config,
    /// Where each value of the config came from.
    pub(crate) provenance: Provenance,
    /// The active profile.
    pub(crate) profile: String,
    /// How many configurations have been active, including this one.
    pub(crate) generation: u64,
    boosts: Vec<Boost>,
    functions: Box<[FunctionRule]>,
    /// By slot. Each rule is made when its slot is first used under this snapshot.
    routes: Box<[OnceBox<RouteRule>]>,
    /// Shared by all slots beyond [`ROUTES`].
    further_routes: OnceBox<RouteRule>,
    /// What `[capture]` allows.
    headers: HeaderRule,
    /// What the functions' rules allow in addition. It is captured from every request whose route
    /// has no list of its own, since the handler is not known yet, and removed at the end unless
    /// the handler's rule allows it.
    function_headers: Headers,
}

/// Most slots with a rule of their own. Each takes one word until it is used.
const ROUTES: usize = 4096;

/// The rule of an investigated function.
#[derive(Debug, Default)]
pub(crate) struct FunctionRule {
    /// Whether its calls become spans.
    pub(crate) spans: bool,
    /// Whether its calls are counted in `function_duration_seconds`.
    pub(crate) histogram: bool,
    /// Applies to the requests that it answers, unless the route decides.
    request: RequestRule,
    /// A boost for those requests. It outranks the route's rule.
    boost: RequestRule,
    headers: HeaderRule,
}

/// The rule of the requests of one route.
#[derive(Debug)]
pub(crate) struct RouteRule {
    /// Neither the request nor anything that it calls is recorded.
    pub(crate) excluded: bool,
    pub(crate) spans: bool,
    pub(crate) histogram: bool,
    /// The ratio for the flag sent downstream, before the handler is known.
    pub(crate) ratio: Ratio,
    /// The headers that are captured, before the handler is known.
    pub(crate) captured: Headers,
    request: RequestRule,
    boost: RequestRule,
    headers: HeaderRule,
}

/// What both route and function can decide.
#[derive(Debug, Default, Clone, Copy)]
struct RequestRule {
    record: Option<bool>,
    ratio: Option<Ratio>,
    slow: Option<u64>,
}

/// The headers that a rule allows; `None` leaves the decision open.
#[derive(Debug, Default)]
struct HeaderRule {
    request: Option<Box<[HeaderName]>>,
    response: Option<Box<[HeaderName]>>,
}

/// Names of request and response headers.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    pub(crate) request: Box<[HeaderName]>,
    pub(crate) response: Box<[HeaderName]>,
}

/// What applies to one finished request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decision {
    /// Whether it becomes a row.
    pub(crate) record: bool,
    pub(crate) ratio: Ratio,
    pub(crate) slow_nanos: u64,
}

impl Snapshot {
    /// Resolves a configuration for every investigated function, and makes room for the routes.
    /// `boosts` override it.
    pub(crate) fn new(loaded: &Loaded, generation: u64, boosts: Vec<Boost>) -> Self {
        let (config, provenance) = (loaded.config.clone(), loaded.provenance.clone());
        let functions: Box<[FunctionRule]> = callsite::all()
            .iter()
            .map(|callsite| {
                let layers = Layers::of_function(&config, &provenance, &boosts, callsite);
                function_rule(&config, &layers)
            })
            .collect();
        let of_functions = |list: fn(&HeaderRule) -> &Option<Box<[HeaderName]>>| {
            functions
                .iter()
                .filter_map(|function| list(&function.headers).as_deref())
                .flatten()
                .cloned()
                .collect()
        };
        let function_headers = Headers {
            request: of_functions(|rule| &rule.request),
            response: of_functions(|rule| &rule.response),
        };
        Self {
            headers: HeaderRule {
                request: Some(allowed_headers(&config, &config.capture.request_headers)),
                response: Some(allowed_headers(&config, &config.capture.response_headers)),
            },
            config,
            provenance,
            profile: loaded.profile.clone(),
            generation,
            boosts,
            functions,
            routes: std::iter::repeat_with(OnceBox::new).take(ROUTES).collect(),
            further_routes: OnceBox::new(),
            function_headers,
        }
    }

    /// Whether nothing at all is recorded.
    pub(crate) fn is_off(&self) -> bool {
        let config = &self.config;
        !config.tracing.enabled && !config.metrics.enabled && !config.store.enabled
    }

    /// Whether only the requests of investigated functions are recorded.
    pub(crate) fn watches_investigated_only(&self) -> bool {
        self.config.http.watch == Watch::Investigated
    }

    /// The bounds of the latency histogram of `endpoint`.
    pub(crate) fn bounds(&self, endpoint: &str) -> Bounds {
        self.bounds_of(&self.route_layers(endpoint).rule())
    }

    /// The bounds of `function_duration_seconds` of `callsite`.
    pub(crate) fn function_bounds(&self, callsite: &'static Callsite) -> Bounds {
        self.bounds_of(&self.function_layers(callsite).rule())
    }

    /// The layers of `endpoint`, which come before those of the handler and the sections.
    pub(crate) fn route_layers(&self, endpoint: &str) -> Layers<'_> {
        Layers::of_route(&self.config, &self.boosts, endpoint)
    }

    /// The layers of `callsite`, which come before the defaults.
    pub(crate) fn function_layers(&self, callsite: &'static Callsite) -> Layers<'_> {
        Layers::of_function(&self.config, &self.provenance, &self.boosts, callsite)
    }

    fn bounds_of(&self, rule: &Rule) -> Bounds {
        Bounds::from_seconds(
            rule.buckets
                .as_deref()
                .unwrap_or(&self.config.metrics.buckets),
        )
    }

    /// The rule of `callsite`. A function that is not in the register yet is not recorded.
    pub(crate) fn function(&self, callsite: &Callsite) -> &FunctionRule {
        static UNKNOWN: FunctionRule = FunctionRule {
            spans: false,
            histogram: false,
            request: RequestRule::OPEN,
            boost: RequestRule::OPEN,
            headers: HeaderRule {
                request: None,
                response: None,
            },
        };
        callsite
            .index()
            .and_then(|index| self.functions.get(index))
            .unwrap_or(&UNKNOWN)
    }

    /// The rule of the requests of `slot`.
    pub(crate) fn route(&self, slot: &Slot) -> &RouteRule {
        let place = self.routes.get(slot.index).unwrap_or(&self.further_routes);
        place.get_or_init(|| Box::new(self.route_rule(slot)))
    }

    /// What applies to a finished request. `slot` is `None` for work outside any request.
    pub(crate) fn decide(&self, slot: Option<&Slot>, handler: Option<&Callsite>) -> Decision {
        let (route_boost, route) = slot
            .map(|slot| self.route(slot))
            .map(|rule| (rule.boost, rule.request))
            .unwrap_or_default();
        let (function_boost, function) = handler
            .map(|handler| self.function(handler))
            .map(|rule| (rule.boost, rule.request))
            .unwrap_or_default();
        let rule = route_boost.or(function_boost).or(route).or(function);
        let tracing = &self.config.tracing;
        Decision {
            record: rule.record.unwrap_or(true),
            ratio: rule.ratio.unwrap_or_else(|| Ratio::new(tracing.sample)),
            slow_nanos: rule.slow.unwrap_or_else(|| clock::nanos(tracing.slow)),
        }
    }

    /// Which request headers and which response headers are kept, now that the handler is known.
    pub(crate) fn keeps_headers<'a>(
        &'a self,
        slot: &Slot,
        handler: Option<&Callsite>,
    ) -> (
        impl Fn(&HeaderName) -> bool + 'a,
        impl Fn(&HeaderName) -> bool + 'a,
    ) {
        let route = &self.route(slot).headers;
        let function = handler.map(|handler| &self.function(handler).headers);
        let strongest = |list: fn(&HeaderRule) -> &Option<Box<[HeaderName]>>| {
            let layers = [Some(route), function, Some(&self.headers)];
            layers
                .into_iter()
                .flatten()
                .find_map(|rule| list(rule).as_deref())
                .unwrap_or_default()
        };
        let (request, response) = (
            strongest(|rule| &rule.request),
            strongest(|rule| &rule.response),
        );
        (
            |name| request.contains(name),
            |name| response.contains(name),
        )
    }

    fn route_rule(&self, slot: &Slot) -> RouteRule {
        let config = &self.config;
        let layers = self.route_layers(&slot.endpoint);
        let rule = layers.rule();
        let headers = header_rule(config, &rule);
        let captured = |own: &Option<Box<[HeaderName]>>,
                        general: &Option<Box<[HeaderName]>>,
                        further: &[HeaderName]| {
            own.clone().unwrap_or_else(|| {
                let mut names: Vec<_> = general.iter().flatten().chain(further).cloned().collect();
                names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
                names.dedup();
                names.into()
            })
        };
        RouteRule {
            excluded: slot.is_route && config.http.excludes(&slot.endpoint),
            spans: config.tracing.enabled && rule.spans.unwrap_or(true),
            histogram: rule.histogram.unwrap_or(true),
            ratio: Ratio::new(rule.sample.unwrap_or(config.tracing.sample)),
            captured: Headers {
                request: captured(
                    &headers.request,
                    &self.headers.request,
                    &self.function_headers.request,
                ),
                response: captured(
                    &headers.response,
                    &self.headers.response,
                    &self.function_headers.response,
                ),
            },
            request: request_rule(&rule),
            boost: request_rule(&layers.boost()),
            headers,
        }
    }
}

impl RequestRule {
    /// Leaves everything open.
    const OPEN: Self = Self {
        record: None,
        ratio: None,
        slow: None,
    };

    /// This rule; `weaker` decides what it leaves open.
    fn or(self, weaker: Self) -> Self {
        Self {
            record: self.record.or(weaker.record),
            ratio: self.ratio.or(weaker.ratio),
            slow: self.slow.or(weaker.slow),
        }
    }
}

fn function_rule(config: &Config, layers: &Layers<'_>) -> FunctionRule {
    let rule = layers.rule();
    FunctionRule {
        spans: rule.spans.unwrap_or(true),
        histogram: rule.histogram.unwrap_or(true),
        request: request_rule(&rule),
        boost: request_rule(&layers.boost()),
        headers: header_rule(config, &layers.patterns()),
    }
}

fn request_rule(rule: &Rule) -> RequestRule {
    RequestRule {
        record: rule.record,
        ratio: rule.sample.map(Ratio::new),
        slow: rule.slow.map(clock::nanos),
    }
}

fn header_rule(config: &Config, rule: &Rule) -> HeaderRule {
    let allowed =
        |list: &Option<Vec<String>>| list.as_deref().map(|list| allowed_headers(config, list));
    HeaderRule {
        request: allowed(&rule.request_headers),
        response: allowed(&rule.response_headers),
    }
}

/// Those of the names that may be captured. The deny-list always wins.
fn allowed_headers(config: &Config, names: &[String]) -> Box<[HeaderName]> {
    let allowed = names.iter().filter(|name| !config.capture.denies(name));
    allowed
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .collect()
}
