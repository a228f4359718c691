//! A boost: a rule that overrides all others for a while and then ends by itself, as in "trace
//! everything on this route for ten minutes".

use std::time::{Duration, Instant, SystemTime};

use figment::value::Value;
use jiff::SignedDuration;
use serde_json::Map;

use crate::attribute::callsite;
use crate::config::{Rule, nearest, pattern};

/// Most boosts at one time. Resolving a rule looks through all of them.
pub(crate) const MOST: usize = 16;

/// Longest duration of a boost. What is needed for longer belongs in the file.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a boost lasts if it names no duration.
const DEFAULT_TIME: Duration = Duration::from_secs(10 * 60);

/// The keys of a rule that a boost can set.
const KEYS: [&str; 5] = ["sample", "slow", "record", "spans", "histogram"];

/// A boost that is active.
#[derive(Debug, Clone)]
pub(crate) struct Boost {
    /// Unique among the boosts.
    pub(crate) id: u64,
    pub(crate) target: Target,
    pub(crate) rule: Rule,
    /// When it ends, for people to read.
    pub(crate) until: SystemTime,
    /// The same time on the monotonic clock, which nobody can set.
    pub(crate) end: Instant,
}

/// The target of a boost: a pattern as in the config.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// Route templates.
    Route(String),
    /// Paths of functions.
    Function(String),
}

/// A boost that somebody has requested.
#[derive(Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) target: Target,
    pub(crate) rule: Rule,
    pub(crate) time: Duration,
}

impl Target {
    pub(crate) fn is_route(&self, template: &str) -> bool {
        matches!(self, Self::Route(route) if pattern::matches(route, template))
    }

    pub(crate) fn is_function(&self, path: &str) -> bool {
        matches!(self, Self::Function(function) if pattern::matches(function, path))
    }
}

impl Wanted {
    /// Reads `{"route": "/checkout/{id}", "sample": 1.0, "for": "10m"}`. A key with the value
    /// `null` counts as absent. Without any key of a rule, all traces are sampled.
    ///
    /// # Errors
    ///
    /// Returns one text with every mistake and what was expected instead.
    pub(crate) fn parse(fields: &Map<String, serde_json::Value>) -> Result<Self, String> {
        let mut mistakes = Vec::new();
        let mut target = None;
        let mut time = None;
        let mut rule = Vec::new();
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "route" | "function" if target.is_some() => mistakes
                    .push("`route` and `function` are both given, expected one of them".to_owned()),
                "route" | "function" => match read_target(name, value) {
                    Ok(read) => target = Some(read),
                    Err(mistake) => mistakes.push(mistake),
                },
                "for" => match read_time(value) {
                    Ok(read) => time = Some(read),
                    Err(mistake) => mistakes.push(mistake),
                },
                name if KEYS.contains(&name) => match Value::serialize(value) {
                    Ok(value) => rule.push((name, value)),
                    Err(error) => mistakes.push(format!("`{name}` cannot be read: {error}")),
                },
                name => mistakes.push(format!(
                    "`{name}` is not known, expected `route` or `function`, `for`, and {}",
                    KEYS.map(|key| format!("`{key}`")).join(", ")
                )),
            }
        }
        let is_named = ["route", "function"]
            .iter()
            .any(|name| fields.get(*name).is_some_and(|value| !value.is_null()));
        if !is_named {
            mistakes.push(
                "neither `route` nor `function` is given, expected a pattern such as \
                 {\"route\": \"/checkout/{id}\"} or {\"function\": \"store::orders::*\"}"
                    .to_owned(),
            );
        }
        if rule.is_empty() {
            rule.push(("sample", Value::from(1.0)));
        }
        let rule = Rule::of_values(rule).map_err(|wrong| mistakes.extend(wrong));
        match (target, rule) {
            (Some(target), Ok(rule)) if mistakes.is_empty() => Ok(Self {
                target,
                rule,
                time: time.unwrap_or(DEFAULT_TIME),
            }),
            _ => Err(mistakes.join("; ")),
        }
    }

    /// Checks that the pattern matches a function of the program. A route pattern is not checked.
    ///
    /// # Errors
    ///
    /// Returns the nearest name when no function matches.
    pub(crate) fn check_function(&self) -> Result<(), String> {
        let Target::Function(pattern) = &self.target else {
            return Ok(());
        };
        let paths: Vec<&str> = callsite::all().iter().map(|site| site.path()).collect();
        if paths.iter().any(|path| self.target.is_function(path)) {
            return Ok(());
        }
        let near = nearest(pattern, &paths)
            .map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
        Err(format!(
            "`{pattern}` matches none of the {} investigated functions{near}",
            paths.len()
        ))
    }

    /// Starts the boost now.
    pub(crate) fn begin(self, id: u64) -> Boost {
        Boost {
            id,
            target: self.target,
            rule: self.rule,
            until: SystemTime::now() + self.time,
            end: Instant::now() + self.time,
        }
    }
}

fn read_target(name: &str, value: &serde_json::Value) -> Result<Target, String> {
    let text = value.as_str().unwrap_or_default();
    match name {
        "route" if pattern::is_route(text) => Ok(Target::Route(text.to_owned())),
        "function" if pattern::is_function(text) => Ok(Target::Function(text.to_owned())),
        "route" => Err(format!("`route` is `{value}`, expected {}", pattern::ROUTE)),
        _ => Err(format!(
            "`function` is `{value}`, expected {}",
            pattern::FUNCTION
        )),
    }
}

fn read_time(value: &serde_json::Value) -> Result<Duration, String> {
    let time = value
        .as_str()
        .and_then(|text| text.parse::<SignedDuration>().ok())
        .and_then(|time| Duration::try_from(time).ok())
        .filter(|time| !time.is_zero() && *time <= LONGEST);
    time.ok_or_else(|| {
        format!(
            "`for` is `{value}`, expected a duration longer than zero and at most \"24h\", such as \
             \"10m\""
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn parse(json: &str) -> Result<Wanted, String> {
        let serde_json::Value::Object(fields) = serde_json::from_str(json).unwrap() else {
            panic!("{json} is no object");
        };
        Wanted::parse(&fields)
    }

    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert_eq!(parse(json).unwrap_err(), expected, "for {json}");
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let wanted = parse(r#"{"route": "/checkout/{id}", "function": null}"#).unwrap();
        let rule = Rule {
            sample: Some(1.0),
            ..Rule::default()
        };
        assert_eq!(
            wanted,
            Wanted {
                target: Target::Route("/checkout/{id}".to_owned()),
                rule,
                time: Duration::from_secs(600),
            }
        );
        let wanted = parse(r#"{"function": "store::*", "slow": "0s", "for": "90s"}"#).unwrap();
        assert_eq!(wanted.target, Target::Function("store::*".to_owned()));
        assert_eq!(wanted.rule.slow, Some(Duration::ZERO));
        assert_eq!(wanted.rule.sample, None);
        assert_eq!(wanted.time, Duration::from_secs(90));
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        check(
            "{}",
            "neither `route` nor `function` is given, expected a pattern such as \
             {\"route\": \"/checkout/{id}\"} or {\"function\": \"store::orders::*\"}",
        );
        check(
            r#"{"route": "/a", "function": "b"}"#,
            "`route` and `function` are both given, expected one of them",
        );
        check(
            r#"{"route": "checkout"}"#,
            "`route` is `\"checkout\"`, expected a route such as \"/users/{user_id}\", where `*` \
             matches any text, as in \"/users/*\"",
        );
        check(
            r#"{"function": 3}"#,
            "`function` is `3`, expected a path such as \"store::users::get_user\", where `*` \
             matches any text, as in \"store::*\"",
        );
        for time in ["\"25h\"", "\"0s\"", "\"soon\"", "10"] {
            check(
                &format!(r#"{{"route": "/a", "for": {time}}}"#),
                &format!(
                    "`for` is `{time}`, expected a duration longer than zero and at most \"24h\", \
                     such as \"10m\""
                ),
            );
        }
        check(
            r#"{"route": "/a", "sample": 2, "spans": "yes"}"#,
            "`sample` is `2`, expected a number from 0.0 to 1.0; `spans` is `\"yes\"`, expected \
             `true` or `false`",
        );
        check(
            r#"{"route": "/a", "sampel": 1}"#,
            "`sampel` is not known, expected `route` or `function`, `for`, and `sample`, `slow`, \
             `record`, `spans`, `histogram`",
        );
    }
}
