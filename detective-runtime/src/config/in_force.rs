//! Every setting with its value in force and the place that decided it, for people to read.

use std::collections::BTreeMap;

use super::declare::{Declared, Key};
use super::diagnostic::Place;
use super::loaded::Loaded;
use super::secret::shown_secret;
use super::{Rule, rule_section, sections};

/// One setting as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    /// The table, as it stands in the file: `tracing`, `routes."/users/*"`.
    pub(crate) table: String,
    pub(crate) key: &'static str,
    /// The value in TOML, secrets hidden; `None` when there is none.
    pub(crate) value: Option<String>,
    pub(crate) place: Place,
}

impl Loaded {
    /// Every key of every section, and the keys that rules set.
    pub(crate) fn in_force(&self) -> Vec<InForce> {
        let mut settings = Vec::new();
        for (section, values) in sections().iter().zip(self.config.values()) {
            for (key, value) in section.keys.iter().zip(values) {
                let place = self.provenance.place(&[section.name, key.name]);
                settings.push(setting(section.name.to_owned(), key, value, place));
            }
        }
        self.rules_in_force("routes", &self.config.routes, &mut settings);
        self.rules_in_force("investigate", &self.config.investigate, &mut settings);
        settings
    }

    fn rules_in_force(
        &self,
        table: &str,
        rules: &BTreeMap<String, Rule>,
        settings: &mut Vec<InForce>,
    ) {
        for (pattern, rule) in rules {
            let full = format!("{table}.\"{pattern}\"");
            for (key, value) in rule_section().keys.iter().zip(rule.values()) {
                if value.is_some() {
                    let place = self.provenance.place(&[table, pattern, key.name]);
                    settings.push(setting(full.clone(), key, value, place));
                }
            }
        }
    }
}

fn setting(table: String, key: &Key, value: Option<String>, place: &Place) -> InForce {
    let is_hidden = key.secret && *place != Place::Default;
    InForce {
        table,
        key: key.name,
        value: if is_hidden {
            value.map(|value| shown_secret(key.kind, &value))
        } else {
            value
        },
        place: place.clone(),
    }
}
