//! Compares a table of rules with the existing names.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Diagnostic, Http, Place, Provenance, Rule, nearest, pattern};
use crate::rules::matching;

use super::templates::{Answer, Templates};
use super::{Finding, Function, Level};

/// `[routes]` or `[investigate]`.
#[derive(Debug)]
pub(super) struct Table<'a> {
    name: &'static str,
    /// What its patterns name, in words.
    what: &'static str,
    rules: &'a BTreeMap<String, Rule>,
    provenance: &'a Provenance,
}

impl<'a> Table<'a> {
    pub(super) fn functions(rules: &'a BTreeMap<String, Rule>, provenance: &'a Provenance) -> Self {
        Self {
            name: "investigate",
            what: "function",
            rules,
            provenance,
        }
    }

    pub(super) fn routes(rules: &'a BTreeMap<String, Rule>, provenance: &'a Provenance) -> Self {
        Self {
            name: "routes",
            what: "route",
            rules,
            provenance,
        }
    }

    /// The patterns that match none of the names.
    pub(super) fn naming_nothing(&self, names: &[&str]) -> Vec<&'a str> {
        matching::unused_patterns(self.rules, names)
    }

    /// The finding for a pattern that matches none of the functions.
    pub(super) fn names_no_function(&self, pattern: &str, paths: &[&str]) -> Finding {
        let full = self.full(pattern);
        if paths.is_empty() {
            let message =
                format!("{full} matches no function, because no function has #[investigate]");
            return self.finding(pattern, message, None);
        }
        let message = format!("{full} matches no investigated function");
        match nearest_function(pattern, paths) {
            Some(near) => self.finding(pattern, format!("{message}, did you mean `{near}`?"), None),
            None => {
                let help = format!("investigated: {}", listed(paths));
                self.finding(pattern, message, Some(help))
            }
        }
    }

    /// The note about functions that no rule selects.
    pub(super) fn selecting_not(&self, unselected: &[&Function<'_>], of: usize) -> Option<Finding> {
        if unselected.is_empty() {
            return None;
        }
        let places = self.rules.keys().map(|pattern| self.place(pattern));
        let message = format!(
            "no rule of [{}] matches {} of {of} investigated functions, so the sections decide for them",
            self.name,
            unselected.len()
        );
        let lines: Vec<String> = unselected
            .iter()
            .map(|function| format!("{} ({}:{})", function.path, function.file, function.line))
            .collect();
        let mut diagnostic = Diagnostic::new(places.min()?.clone(), message);
        diagnostic.help = Some(lines.join("\n  "));
        Some(Finding {
            level: Level::Note,
            diagnostic,
        })
    }

    /// The finding for a pattern that names none of the listed routes, unless the survey cannot
    /// know.
    pub(super) fn names_no_route(&self, pattern: &str, templates: &Templates) -> Option<Finding> {
        let full = self.full(pattern);
        let routes: Vec<&str> = templates.listed().iter().map(String::as_str).collect();
        let (message, help) = match templates.ask(pattern) {
            Answer::Unknown => return None,
            Answer::Template(template) if pattern::matches(pattern, &template) => return None,
            Answer::Template(template) => (
                format!(
                    "{full} matches no route, because `{template}` handles its requests, did you mean that?"
                ),
                None,
            ),
            Answer::Nothing => match nearest(pattern, &routes) {
                Some(near) => (
                    format!("{full} matches no route, did you mean `{near}`?"),
                    None,
                ),
                None => (
                    format!("{full} matches no route"),
                    Some(format!("routes: {}", listed(&routes))),
                ),
            },
        };
        Some(self.finding(pattern, message, help))
    }

    /// The rules that match something but decide nothing.
    pub(super) fn deciding_nothing(&self, names: &[&str]) -> Vec<Finding> {
        let patterns = self.rules.keys().map(String::as_str);
        patterns
            .map(|pattern| (pattern, matched(pattern, names)))
            .filter(|(_, names)| !names.is_empty())
            .filter_map(|(pattern, names)| self.decides_nothing(pattern, &names))
            .collect()
    }

    fn decides_nothing(&self, pattern: &str, names: &[&str]) -> Option<Finding> {
        let (full, what) = (self.full(pattern), self.what);
        let keys = self.keys(pattern);
        if keys.is_empty() {
            let message =
                format!("{full} decides nothing, expected a key below it, such as `sample = 0.1`");
            return Some(self.finding(pattern, message, None));
        }
        let mut closer = BTreeSet::new();
        for name in names {
            let stronger: Vec<&str> = matching::matching(self.rules, name)
                .into_iter()
                .map(|(closer, _)| closer)
                .take_while(|closer| *closer != pattern)
                .collect();
            for key in &keys {
                let overriding = stronger.iter().find(|rule| self.keys(rule).contains(key))?;
                closer.insert(*overriding);
            }
        }
        let message = format!(
            "{full} decides nothing, because closer rules set all of its keys for every {what} that it matches; remove it or them"
        );
        let closer: Vec<String> = closer
            .iter()
            .map(|rule| format!("{} ({})", self.full(rule), self.place(rule)))
            .collect();
        let help = format!("closer: {}", closer.join(", "));
        Some(self.finding(pattern, message, Some(help)))
    }

    /// The rules that match only routes that are not recorded.
    pub(super) fn excluded(&self, names: &[&str], http: &Http) -> Vec<Finding> {
        let patterns = self.rules.keys().map(String::as_str);
        patterns
            .filter(|pattern| {
                let names = matched(pattern, names);
                !names.is_empty() && names.iter().all(|name| http.excludes(name))
            })
            .map(|pattern| {
                let message = format!(
                    "{} decides nothing, because `http.exclude` excludes every route that it matches; remove one of the two",
                    self.full(pattern)
                );
                let place = self.provenance.place(&["http", "exclude"]);
                let help = format!("http.exclude: {place}");
                self.finding(pattern, message, Some(help))
            })
            .collect()
    }

    /// The keys that something sets for a pattern.
    fn keys(&self, pattern: &str) -> Vec<&'a str> {
        let set = self.provenance.iter();
        set.filter_map(|(path, _)| match path {
            [table, name, key] if table == self.name && name == pattern => Some(key.as_str()),
            _ => None,
        })
        .collect()
    }

    fn full(&self, pattern: &str) -> String {
        format!("[{}.\"{pattern}\"]", self.name)
    }

    fn place(&self, pattern: &str) -> &'a Place {
        self.provenance.place(&[self.name, pattern])
    }

    fn finding(&self, pattern: &str, message: String, help: Option<String>) -> Finding {
        let mut diagnostic = Diagnostic::new(self.place(pattern).clone(), message);
        diagnostic.help = help;
        Finding {
            level: Level::Warning,
            diagnostic,
        }
    }
}

fn matched<'a>(pattern: &str, names: &[&'a str]) -> Vec<&'a str> {
    let matched = names.iter().filter(|name| pattern::matches(pattern, name));
    matched.copied().collect()
}

/// The path nearest to a pattern that matches nothing, or the module if the pattern has a `*`.
fn nearest_function(pattern: &str, paths: &[&str]) -> Option<String> {
    // `get_user` for `store::users::get_user`: only the module is missing.
    let tail = format!("::{pattern}");
    if let Some(path) = paths.iter().find(|path| path.ends_with(&tail)) {
        return Some((*path).to_owned());
    }
    if !pattern.contains('*') {
        return nearest(pattern, paths).map(str::to_owned);
    }
    let modules: BTreeSet<String> = paths
        .iter()
        .filter_map(|path| Some(format!("{}::*", path.rsplit_once("::")?.0)))
        .collect();
    let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
    nearest(pattern, &modules).map(str::to_owned)
}

/// Names in a list, shortened if there are many.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 12;
    let shown = names.iter().take(MOST).copied().collect::<Vec<_>>();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        further => format!("{} and {further} more", shown.join(", ")),
    }
}
