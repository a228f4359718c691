//! `check`: the settings by themselves, and compared with the application.

use std::fmt::Write;

use axum::Router;
use serde_json::json;

use super::report::{self, Format, Ink, Output, Style, count};
use super::{IntoApp, Program};
use crate::attribute::callsite;
use crate::config::{Diagnostic, Loaded, Loader, Place};
use crate::lifecycle::Detective;
use crate::survey::{Finding, Level, Survey, Templates};

pub(super) async fn run<A: IntoApp>(
    loader: &Loader,
    format: Format,
    app: impl AsyncFnOnce(&Detective) -> A,
) -> Output {
    let loaded = match loader.load() {
        Ok(loaded) => loaded,
        Err(error) => {
            let errors = error.diagnostics().iter().cloned();
            let findings: Vec<Finding> = errors.map(|it| finding(Level::Error, it)).collect();
            return shown(&Checked::without_settings(findings), format);
        }
    };
    let program = Program::start(loader, loaded.clone(), app).await;
    let app = program.and_then(|program| program.app);
    shown(
        &Checked::new(&loaded, app.as_ref().map_err(String::as_str)),
        format,
    )
}

/// What was checked, and found.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    profile: Option<String>,
    file: Option<String>,
    functions: usize,
    routes: usize,
}

impl Checked {
    fn without_settings(findings: Vec<Finding>) -> Self {
        Self {
            findings,
            profile: None,
            file: None,
            functions: callsite::all().len(),
            routes: 0,
        }
    }

    /// Compares the settings with the application, or with as much of it as there is.
    pub(super) fn new(loaded: &Loaded, app: Result<&Router, &str>) -> Self {
        let survey = Survey::new(loaded);
        let warnings = loaded.warnings.iter().cloned();
        let mut findings: Vec<Finding> = warnings.map(|it| finding(Level::Warning, it)).collect();
        let mut surveyed = survey.functions();
        let mut routes = 0;
        match app {
            Ok(app) => {
                routes = Templates::of(app).listed().len();
                surveyed.extend(survey.routes(app));
            }
            Err(reason) => findings.push(not_built(reason)),
        }
        for finding in &mut surveyed {
            if survey.is_strict() && finding.level == Level::Warning {
                finding.level = Level::Error;
            }
        }
        findings.extend(surveyed);
        findings.sort_by_key(|it| (it.level, it.diagnostic.place.clone()));
        Self {
            findings,
            profile: Some(loaded.profile.clone()),
            file: loaded
                .origin
                .file
                .as_ref()
                .map(|file| file.display().to_string()),
            functions: callsite::all().len(),
            routes,
        }
    }

    /// Whether there are notes at most.
    pub(super) fn is_fine(&self) -> bool {
        self.findings.iter().all(Finding::is_note)
    }
}

fn finding(level: Level, diagnostic: Diagnostic) -> Finding {
    Finding { level, diagnostic }
}

fn not_built(reason: &str) -> Finding {
    let place = Place::Program("commands()".to_owned());
    let message = format!(
        "the routes were not compared, because the application could not be built: {reason}"
    );
    finding(Level::Error, Diagnostic::new(place, message))
}

fn shown(checked: &Checked, format: Format) -> Output {
    let is_fine = checked.is_fine();
    match format {
        Format::Json => Output::json(
            is_fine,
            &json!({
                "ok": is_fine,
                "profile": checked.profile,
                "file": checked.file,
                "functions": checked.functions,
                "routes": checked.routes,
                "findings": checked.findings.iter().map(report::to_json).collect::<Vec<_>>(),
            }),
        ),
        Format::Text(style) => Output::new(is_fine, text(checked, style)),
    }
}

fn text(checked: &Checked, style: Style) -> String {
    let mut text = String::new();
    for finding in &checked.findings {
        style.write(&mut text, finding);
    }
    let count_of = |level| {
        let findings = checked.findings.iter();
        findings.filter(|finding| finding.level == level).count()
    };
    let counts: Vec<String> = [
        (Level::Error, "error"),
        (Level::Warning, "warning"),
        (Level::Note, "note"),
    ]
    .into_iter()
    .map(|(level, what)| (count_of(level), what))
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| count(number, what))
    .collect();
    if !counts.is_empty() {
        text.push('\n');
    }
    let verdict = match counts.as_slice() {
        [] => style.ink(Ink::Good, "all is well"),
        counts => style.ink(Ink::Heading, &counts.join(", ")),
    };
    let file = checked
        .file
        .as_deref()
        .unwrap_or("no file, the defaults are in force");
    let compared = format!(
        "{}, {}",
        count(checked.functions, "investigated function"),
        count(checked.routes, "route")
    );
    let _ = match &checked.profile {
        Some(profile) => writeln!(text, "{verdict}: {file}, profile {profile}, {compared}"),
        None => writeln!(
            text,
            "{verdict}; the settings were not compared with the application"
        ),
    };
    text
}
