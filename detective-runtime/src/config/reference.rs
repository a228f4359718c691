//! The reference text: a `detective.toml` with every key, its meaning and its default.

use std::fmt::Write;

use super::declare::{Effect, Key, Section};
use super::toml::quoted;
use super::{rule_section, sections};

const HEADING: &str = "\
#:schema ./detective.schema.json
# Settings of Detective.
#
# Detective works without this file. The file lists every key and explains it. A line that begins
# with `#` and no space shows the default of the key, or an example if the key has no default.
# A duration is a text with a unit: \"250ms\", \"1s\", \"2m\".
#
# A running service applies a changed file within two seconds. Keys that say \"Needs a restart.\"
# keep their values until the next start.
#
# Environment variables win over this file. DETECTIVE_<SECTION>__<KEY> sets a key, for example
# DETECTIVE_STORE__URL. For a secret, DETECTIVE_<SECTION>__<KEY>_FILE names a file that holds it, for
# example DETECTIVE_STORE__URL_FILE. The OTEL_* variables of OpenTelemetry win over this file, too,
# but not over the DETECTIVE_* variables.
";

const PROFILES: &str = "
# [profile.<name>.<section>] applies to one profile only, and wins over the sections above.
# DETECTIVE_PROFILE sets the profile. Without it, the profile is \"development\" in debug builds and
# \"production\" in release builds.
#[profile.production.tracing]
#sample = 0.1
";

/// The text of a `detective.toml` that explains every key and sets these: pairs of a full key and its
/// value in TOML.
///
/// # Examples
///
/// ```
/// let text = detective::config::reference(&[("service.name", "\"store\"")]);
/// assert!(text.contains("\nname = \"store\"\n"));
/// assert!(text.contains("\n#sample = 1.0\n"));
/// ```
pub fn reference(set: &[(&str, &str)]) -> String {
    reference_for(set, &[], &[])
}

/// The same, with a commented rule for each of these routes and functions. A function comes with its
/// place in the source.
pub(crate) fn reference_for(
    set: &[(&str, &str)],
    routes: &[String],
    functions: &[(&str, String)],
) -> String {
    let mut text = HEADING.to_owned();
    for section in sections() {
        write_section(&mut text, section, set);
    }
    write_rules(&mut text, rule_section());
    if !routes.is_empty() {
        text.push_str("\n\n# The routes of this application.\n");
    }
    for route in routes {
        let _ = write!(text, "\n#[routes.{}]\n#sample = 0.1\n", quoted(route));
    }
    if !functions.is_empty() {
        text.push_str("\n\n# Its investigated functions.\n");
    }
    for (function, place) in functions {
        let name = quoted(function);
        let _ = write!(text, "\n# {place}\n#[investigate.{name}]\n#spans = false\n");
    }
    text.push_str(PROFILES);
    text
}

fn write_section(text: &mut String, section: &Section, set: &[(&str, &str)]) {
    let _ = write!(
        text,
        "\n\n[{}]\n{}",
        section.name,
        commented("# ", &section.docs)
    );
    for key in &section.keys {
        let name = format!("{}.{}", section.name, key.name);
        let value = set
            .iter()
            .find(|(set, _)| *set == name)
            .map(|(_, value)| *value);
        write_key(text, key, value);
    }
}

fn write_key(text: &mut String, key: &Key, value: Option<&str>) {
    let _ = write!(text, "\n{}", commented("# ", &key.docs));
    if key.effect == Effect::Restart {
        text.push_str("# Needs a restart.\n");
    }
    let name = key.name;
    match (value, &key.default, key.example) {
        (Some(value), ..) => {
            let _ = writeln!(text, "{name} = {value}");
        }
        (None, Some(default), example) => {
            if let Some(example) = example {
                let _ = writeln!(text, "# Example: {example}");
            }
            text.push_str(&commented("#", &format!("{name} = {default}")));
        }
        (None, None, example) => {
            let _ = writeln!(text, "#{name} = {}", example.unwrap_or_default());
        }
    }
}

fn write_rules(text: &mut String, rule: &Section) {
    let about = "\
[routes.\"<template>\"] and [investigate.\"<function>\"] are rules for single routes and functions.
In a pattern, `*` matches any text. The closest pattern wins: an exact name first, then the pattern
with the longest literal text. A rule for a route wins over a rule for its handler.";
    let _ = write!(
        text,
        "\n\n{}#\n{}",
        commented("# ", about),
        commented("# ", &rule.docs)
    );
    text.push_str("#[routes.\"/users/{user_id}\"]\n");
    for key in &rule.keys {
        write_key(text, key, None);
    }
    text.push_str("\n#[investigate.\"store::users::*\"]\n#sample = 0.1\n");
}

/// The lines, each behind this mark.
fn commented(mark: &str, lines: &str) -> String {
    let lines = lines
        .lines()
        .map(|line| format!("{mark}{line}").trim_end().to_owned() + "\n");
    lines.collect()
}
