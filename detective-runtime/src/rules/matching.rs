//! Which rules apply to a route or a function.
//!
//! All rules whose pattern matches are combined. A key that the closest rule leaves open is decided
//! by the next one; a key that no rule decides stays open (`None`). [`Rule::or`] combines the
//! layers in the order that [`crate::config`] states. The values of [`Config`] come last, as
//! defaults.
//!
//! A function's rule decides its own span and histogram. If the function is the handler, its rule
//! also decides `record`, `sample`, `slow` and the captured headers, where the route leaves them
//! open. Only the route decides the request's own span and histogram.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::config::{Config, Provenance, Rule, pattern};

/// The values that a source has set in the sections. They outrank the arguments of the attribute,
/// which outrank the defaults.
///
/// `spans`, `histogram` and `record` stay open: `tracing.enabled`, `metrics.enabled` and
/// `store.enabled` switch each of them off for everything, and no rule can switch them on again.
pub(crate) fn section_rule(config: &Config, places: &Provenance) -> Rule {
    fn set<T: Clone>(places: &Provenance, section: &str, key: &str, value: &T) -> Option<T> {
        places.is_set(section, key).then(|| value.clone())
    }
    let capture = &config.capture;
    let headers = |key, list: &Vec<String>| set(places, "capture", key, list);
    Rule {
        buckets: set(places, "metrics", "buckets", &config.metrics.buckets),
        sample: set(places, "tracing", "sample", &config.tracing.sample),
        slow: set(places, "tracing", "slow", &config.tracing.slow),
        request_headers: headers("request_headers", &capture.request_headers),
        response_headers: headers("response_headers", &capture.response_headers),
        ..Rule::default()
    }
}

/// The rules whose pattern matches a name, closest first: the exact name, then the pattern with the
/// longest literal text.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Loader;

    fn sample(sample: f64) -> Rule {
        Rule {
            sample: Some(sample),
            ..Rule::default()
        }
    }

    fn resolve(rules: &BTreeMap<String, Rule>, name: &str) -> Rule {
        matching(rules, name)
            .into_iter()
            .fold(Rule::default(), |resolved, (_, rule)| resolved.or(rule))
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
        let rule = resolve(&config().routes, template);
        assert_eq!(rule.sample, Some(expected), "for `{template}`");
        // The widest rule decides what the closer rules leave open.
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
    fn functions_are_resolved_by_path() {
        let rule = resolve(&config().investigate, "store::get_user");
        assert_eq!((rule.spans, rule.sample), (Some(false), Some(0.9)));
        assert_eq!(
            resolve(&config().investigate, "other::get_user"),
            Rule::default()
        );
    }

    #[test]
    fn sections_decide_what_something_sets() {
        let variables = [("DETECTIVE_TRACING__SAMPLE".to_owned(), "0.5".to_owned())];
        let loaded = Loader::with(variables, "/").load().expect("valid settings");
        assert_eq!(
            section_rule(&loaded.config, &loaded.provenance),
            sample(0.5)
        );
        assert_eq!(
            section_rule(&loaded.config, &Provenance::default()),
            Rule::default()
        );
    }

    #[test]
    fn unused_patterns_are_found() {
        let config = config();
        let unused = unused_patterns(&config.routes, &["/users/{id}", "/toys"]);
        assert_eq!(unused, ["/static/{*path}"]);
    }
}
