//! Crates that must be there once: what `Cargo.lock` says of them.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::Document;

/// What two versions of a crate break.
const ONCE: &[(&str, &str)] = &[
    (
        "axum",
        "the router of one is not the router of the other, and its routes are not recorded",
    ),
    (
        "axum-core",
        "handlers for one axum are not handlers for the other",
    ),
    (
        "detective-macros",
        "functions may be expanded for another version of detective-runtime",
    ),
    (
        "detective-runtime",
        "functions of one are not recorded by the other",
    ),
    (
        "inventory",
        "functions may not be in the list of investigated functions",
    ),
    (
        "prometheus",
        "metrics of one are not on /metrics of the other",
    ),
    (
        "tracing-core",
        "events of one do not reach subscribers of the other",
    ),
];

/// The lock file of the workspace that `directory` lies in.
pub(super) fn lock_file(directory: &Path) -> Option<String> {
    let mut paths = directory.ancestors().map(|it| it.join("Cargo.lock"));
    let path = paths.find(|path| path.is_file())?;
    std::fs::read_to_string(path).ok()
}

/// The crates that are there more than once and must not be, each told in a sentence.
pub(super) fn duplicates(lock_file: &str) -> Vec<String> {
    let versions = versions(lock_file);
    let opentelemetry = versions
        .get("opentelemetry")
        .map(|all| all.iter().filter(|it| !it.starts_with("0.23.")).count());
    let mut told: Vec<String> = ONCE
        .iter()
        .filter_map(|(name, trouble)| Some((*name, versions.get(*name)?, *trouble)))
        .filter(|(_, versions, _)| versions.len() > 1)
        .map(|(name, versions, trouble)| format!("{name} {}: {trouble}", versions.join(", ")))
        .collect();
    // The protocol of the Jaeger agent needs 0.23 beside the current one.
    if opentelemetry.is_some_and(|count| count > 1) {
        let all = versions["opentelemetry"].join(", ");
        told.push(format!(
            "opentelemetry {all}: contexts and spans of one are unknown to the other"
        ));
    }
    told
}

fn versions(lock_file: &str) -> BTreeMap<String, Vec<String>> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let document = Document::parse(lock_file).ok();
    let packages = document
        .as_ref()
        .and_then(|document| document.get("package")?.as_array_of_tables());
    for package in packages.into_iter().flatten() {
        let text = |key: &str| package.get(key)?.as_str().map(str::to_owned);
        if let (Some(name), Some(version)) = (text("name"), text("version")) {
            versions.entry(name).or_default().push(version);
        }
    }
    versions
}
