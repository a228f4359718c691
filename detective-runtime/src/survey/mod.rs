//! Compares the rules of the file with the functions and routes of the program.
//!
//! The loader accepts a rule that names no function or route, a rule that decides nothing because
//! closer ones do, and a function that no rule selects. Only the program shows them. Its functions
//! are known when it starts, its routes when its router is built.

mod finding;
mod table;
mod templates;
#[cfg(test)]
mod tests;

use axum::Router;

use crate::attribute::callsite;
use crate::config::{Config, ConfigError, Loaded, Provenance, pattern};
use crate::metrics::UNMATCHED;

pub(crate) use self::finding::{Finding, Level};
use self::table::Table;
pub(crate) use self::templates::{Templates, example_path};

/// One configuration, for comparison with the program.
#[derive(Debug)]
pub(crate) struct Survey {
    config: Config,
    provenance: Provenance,
    strict: bool,
}

/// An investigated function, as far as the survey needs it.
#[derive(Debug, Clone, Copy)]
struct Function<'a> {
    path: &'a str,
    file: &'a str,
    line: u32,
}

impl Survey {
    /// The survey of a loaded configuration. `service.strict` decides whether it is strict. Without
    /// that key, it is strict in the profile "production".
    pub(crate) fn new(loaded: &Loaded) -> Self {
        let strict = loaded.config.service.strict;
        Self {
            config: loaded.config.clone(),
            provenance: loaded.provenance.clone(),
            strict: strict.unwrap_or(loaded.profile == "production"),
        }
    }

    /// Whether findings stop the program.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Compares `[investigate]` with the functions that carry the attribute.
    pub(crate) fn functions(&self) -> Vec<Finding> {
        let functions: Vec<Function<'_>> = callsite::all()
            .iter()
            .map(|callsite| Function {
                path: callsite.path(),
                file: callsite.site().file,
                line: callsite.site().line,
            })
            .collect();
        self.functions_among(&functions)
    }

    fn functions_among(&self, functions: &[Function<'_>]) -> Vec<Finding> {
        let rules = &self.config.investigate;
        if rules.is_empty() {
            return Vec::new();
        }
        let paths: Vec<&str> = functions.iter().map(|function| function.path).collect();
        let table = Table::functions(rules, &self.provenance);
        let mut findings = table.deciding_nothing(&paths);
        for pattern in table.naming_nothing(&paths) {
            findings.push(table.names_no_function(pattern, &paths));
        }
        sort(&mut findings);
        let is_selected = |path: &str| rules.keys().any(|rule| pattern::matches(rule, path));
        let unselected: Vec<&Function<'_>> = functions
            .iter()
            .filter(|function| !is_selected(function.path))
            .collect();
        findings.extend(table.selecting_not(&unselected, functions.len()));
        findings
    }

    /// Compares both tables with the program. `[routes]` is compared only if `app` is known.
    pub(crate) fn findings(&self, app: Option<&Router>) -> Vec<Finding> {
        let mut findings = self.functions();
        findings.extend(app.into_iter().flat_map(|app| self.routes(app)));
        findings
    }

    /// Compares `[routes]` with the routes of `app`.
    pub(crate) fn routes(&self, app: &Router) -> Vec<Finding> {
        let rules = &self.config.routes;
        if rules.is_empty() {
            return Vec::new();
        }
        let templates = Templates::of(app);
        let below_mounts = templates.below_mounts();
        let listed = templates.listed().iter().chain(&below_mounts);
        let names = listed.chain(self.config.http.groups.values());
        let mut names: Vec<&str> = names.map(String::as_str).collect();
        names.push(UNMATCHED);

        let table = Table::routes(rules, &self.provenance);
        let mut findings = table.deciding_nothing(&names);
        for pattern in table.naming_nothing(&names) {
            findings.extend(table.names_no_route(pattern, &templates));
        }
        findings.extend(table.excluded(&names, &self.config.http));
        sort(&mut findings);
        findings
    }

    /// Logs the findings, or returns an error if the survey is strict.
    ///
    /// # Errors
    ///
    /// When the survey is strict and not all findings are notes. The error holds all findings.
    pub(crate) fn enforce(&self, findings: Vec<Finding>) -> Result<(), ConfigError> {
        self.refusal(&findings)?;
        let (notes, findings): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .partition(|finding| finding.level == Level::Note);
        for note in &notes {
            tracing::info!("{}", note.diagnostic);
        }
        for finding in &findings {
            tracing::warn!("{}", finding.diagnostic);
        }
        Ok(())
    }

    /// The error of [`enforce`](Self::enforce), without its log messages.
    ///
    /// # Errors
    ///
    /// As [`enforce`](Self::enforce).
    pub(crate) fn refusal(&self, findings: &[Finding]) -> Result<(), ConfigError> {
        let serious = findings
            .iter()
            .filter(|finding| finding.level != Level::Note);
        let diagnostics: Vec<_> = serious.map(|finding| finding.diagnostic.clone()).collect();
        if self.strict && !diagnostics.is_empty() {
            return Err(ConfigError::new(diagnostics));
        }
        Ok(())
    }
}

/// Sorts findings by their place in the file.
fn sort(findings: &mut [Finding]) {
    findings.sort_by(|one, other| one.diagnostic.place.cmp(&other.diagnostic.place));
}
