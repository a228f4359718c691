//! Which rule holds for a route, a function, a request.
//!
//! All rules whose pattern matches are laid over each other, the closest on top, so that a key
//! that the closest rule leaves open is decided by the next one. What no rule decides is left
//! open (`None`). The whole order, strongest first:
//!
//! ```text
//! resolve_request(config, template, handler)  the rules of the route, then those of its handler
//!     .or(&set_section_rule(config, places))  what the sections say, where something sets it
//!     .or(&attribute)                         the arguments of #[investigate]
//!     .or(&section_rule(config))              the sections with their defaults
//! ```

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Config, Provenance, Rule, pattern};

/// What `[routes]` decides for a route template.
pub(crate) fn resolve_route(config: &Config, template: &str) -> Rule {
    resolve(&config.routes, template)
}

/// What `[investigate]` decides for a function: for its own span and histogram.
pub(crate) fn resolve_function(config: &Config, path: &str) -> Rule {
    resolve(&config.investigate, path)
}

/// What the rules decide for a request: those of its route, and where they leave it open those of
/// the function that handles it. A function's `spans`, `histogram` and `buckets` are about its own
/// span and histogram, never about the request's.
pub(crate) fn resolve_request(config: &Config, template: &str, handler: Option<&str>) -> Rule {
    let route = resolve_route(config, template);
    match handler {
        None => route,
        Some(handler) => route.or(&Rule {
            spans: None,
            histogram: None,
            buckets: None,
            ..resolve_function(config, handler)
        }),
    }
}

/// The sections, as a rule for everything. It leaves nothing open but `spans`, `histogram` and
/// `record`: those are on where `tracing.enabled`, `metrics.enabled` and `store.enabled` are, which
/// no rule outranks.
pub(crate) fn section_rule(config: &Config) -> Rule {
    Rule {
        spans: None,
        histogram: None,
        record: None,
        buckets: Some(config.metrics.buckets.clone()),
        sample: Some(config.tracing.sample),
        slow: Some(config.tracing.slow),
        request_headers: Some(config.capture.request_headers.clone()),
        response_headers: Some(config.capture.response_headers.clone()),
    }
}

/// The sections, as far as something sets them: what outranks the arguments of the attribute.
pub(crate) fn set_section_rule(config: &Config, places: &Provenance) -> Rule {
    let rule = section_rule(config);
    let set = |section, key| places.is_set(section, key);
    Rule {
        buckets: rule.buckets.filter(|_| set("metrics", "buckets")),
        sample: rule.sample.filter(|_| set("tracing", "sample")),
        slow: rule.slow.filter(|_| set("tracing", "slow")),
        request_headers: rule
            .request_headers
            .filter(|_| set("capture", "request_headers")),
        response_headers: rule
            .response_headers
            .filter(|_| set("capture", "response_headers")),
        ..Rule::default()
    }
}

/// The rules whose pattern matches a name, the closest first: the exact name, then the pattern
/// with the longest literal text.
pub(crate) fn matching<'a>(
    rules: &'a BTreeMap<String, Rule>,
    name: &str,
) -> Vec<(&'a str, &'a Rule)> {
    let mut matching: Vec<_> = rules
        .iter()
        .filter(|(pattern, _)| pattern::matches(pattern, name))
        .map(|(pattern, rule)| (pattern.as_str(), rule))
        .collect();
    matching.sort_by_key(|(pattern, _)| Reverse(pattern::specificity(pattern, name)));
    matching
}

/// The patterns that match none of these names.
pub(crate) fn unused_patterns<'a>(
    rules: &'a BTreeMap<String, Rule>,
    names: &[&str],
) -> Vec<&'a str> {
    let unused = |pattern: &&str| !names.iter().any(|name| pattern::matches(pattern, name));
    rules.keys().map(String::as_str).filter(unused).collect()
}

fn resolve(rules: &BTreeMap<String, Rule>, name: &str) -> Rule {
    matching(rules, name)
        .into_iter()
        .fold(Rule::default(), |resolved, (_, rule)| resolved.or(rule))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(sample: f64) -> Rule {
        Rule {
            sample: Some(sample),
            ..Rule::default()
        }
    }

    fn config() -> Config {
        let mut config = Config::default();
        let slow = Rule {
            slow: Some(Duration::from_secs(3)),
            ..sample(0.1)
        };
        config.routes = BTreeMap::from([
            ("*".to_owned(), slow),
            ("/users/*".to_owned(), sample(0.2)),
            ("/users/{id}".to_owned(), sample(0.3)),
            ("/static/{*path}".to_owned(), sample(0.4)),
        ]);
        let quiet = Rule {
            record: Some(false),
            spans: Some(false),
            ..sample(0.9)
        };
        config.investigate = BTreeMap::from([("store::*".to_owned(), quiet)]);
        config
    }

    #[track_caller]
    fn check(template: &str, expected: f64) {
        let rule = resolve_route(&config(), template);
        assert_eq!(rule.sample, Some(expected), "for `{template}`");
        // What the closer rules leave open is decided by the widest.
        assert_eq!(rule.slow, Some(Duration::from_secs(3)), "for `{template}`");
    }

    #[test]
    fn closest_pattern_wins() {
        check("/users/{id}", 0.3);
        check("/users/{id}/toys", 0.2);
        check("/toys", 0.1);
        check("/static/{*path}", 0.4);
    }

    #[test]
    fn handler_decides_what_the_route_leaves_open() {
        let rule = resolve_request(&config(), "/users/{id}", Some("store::get_user"));
        assert_eq!(rule.sample, Some(0.3));
        assert_eq!(rule.record, Some(false));
        assert_eq!(
            rule.spans, None,
            "the handler's own span is not the request's"
        );
        assert_eq!(
            resolve_function(&config(), "store::get_user").spans,
            Some(false)
        );
        assert_eq!(
            resolve_function(&config(), "other::get_user"),
            Rule::default()
        );
    }

    #[test]
    fn only_what_is_set_outranks_the_attribute() {
        let variables = [("DETECTIVE_TRACING__SAMPLE".to_owned(), "0.5".to_owned())];
        let loaded = super::super::Loader::with(variables, "/")
            .load()
            .expect("valid");
        let set = set_section_rule(&loaded.config, &loaded.provenance);
        assert_eq!(set, sample(0.5));
        let all = section_rule(&loaded.config);
        assert_eq!(all.slow, Some(Duration::from_secs(1)));
    }

    #[test]
    fn unused_patterns_are_found() {
        let config = config();
        let unused = unused_patterns(&config.routes, &["/users/{id}", "/toys"]);
        assert_eq!(unused, ["/static/{*path}"]);
    }
}
