//! The investigation list: the file compared with what the program really contains.
//!
//! A rule that names no function or route, a rule that decides nothing because closer ones do, and a
//! function that no rule selects are all accepted by the loader, since only the program shows them.
//! Functions are known as soon as it starts; routes when its router is there.

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

/// One configuration, to be compared with the program.
#[derive(Debug)]
pub(crate) struct Survey {
    config: Config,
    provenance: Provenance,
    strict: bool,
}

/// An investigated function, as far as it matters here.
#[derive(Debug, Clone, Copy)]
struct Function<'a> {
    path: &'a str,
    file: &'a str,
    line: u32,
}

impl Survey {
    /// The survey of what was loaded. It is strict when `service.strict` says so; without that, in
    /// the profile "production".
    pub(crate) fn new(loaded: &Loaded) -> Self {
        let strict = loaded.config.service.strict;
        Self {
            config: loaded.config.clone(),
            provenance: loaded.provenance.clone(),
            strict: strict.unwrap_or(loaded.profile == "production"),
        }
    }

    /// Whether what is found must stop the program.
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

    /// Compares both tables with the program: `[routes]` as far as its application is known.
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

    /// Logs the findings, or refuses to go on when the survey is strict.
    ///
    /// # Errors
    ///
    /// When it is strict and there is more than notes; the error holds everything that was found.
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

    /// What keeps the program from running with these findings, if it is strict. Says nothing in the
    /// log.
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

/// In the order of the file.
fn sort(findings: &mut [Finding]) {
    findings.sort_by(|one, other| one.diagnostic.place.cmp(&other.diagnostic.place));
}
