//! Taking up a newly loaded configuration in a running program: the keys that need a restart keep
//! their values until then.

use std::collections::BTreeSet;

use figment::value::{Dict, Value};

use super::declare::{Effect, Key};
use super::diagnostic::{Diagnostic, Place};
use super::loaded::Loaded;
use super::{Config, RULE_TABLES, rule_section, sections};

impl Loaded {
    /// What holds when a program that runs with `running` takes this up: the live keys of this, and
    /// the others of `running`. Each key that is held back is told with its place, and is told again
    /// when another configuration is taken up, for as long as it differs.
    pub(crate) fn after(mut self, running: &Loaded) -> (Self, Vec<Diagnostic>) {
        let mut held_back = Vec::new();
        for section in sections() {
            for key in of_restart(&section.keys) {
                let name = format!("{}.{}", section.name, key.name);
                held_back.extend(self.hold_back(running, key, &name, &[section.name, key.name]));
            }
        }
        for table in RULE_TABLES {
            let patterns: BTreeSet<&String> = [&self.values, &running.values]
                .into_iter()
                .filter_map(|values| values.get(table)?.as_dict())
                .flat_map(Dict::keys)
                .collect();
            let patterns: Vec<String> = patterns.into_iter().cloned().collect();
            for pattern in &patterns {
                for key in of_restart(&rule_section().keys) {
                    let name = format!("{table}.\"{pattern}\".{}", key.name);
                    let path = [table, pattern.as_str(), key.name];
                    held_back.extend(self.hold_back(running, key, &name, &path));
                }
            }
        }
        held_back.sort_by(|one, other| one.place.cmp(&other.place));
        self.config = Config::read(&self.values);
        // What the file leaves open of it was found out at the start.
        self.config.service = running.config.service.clone();
        (self, held_back)
    }

    /// Lets one key keep the value that it has in `running`, and says so if that is another.
    fn hold_back(
        &mut self,
        running: &Loaded,
        key: &Key,
        name: &str,
        path: &[&str],
    ) -> Option<Diagnostic> {
        let old = value_at(&running.values, path);
        let new = value_at(&self.values, path);
        let differs = key.canonical(old) != key.canonical(new);
        if !differs {
            return None;
        }
        let place = [&self.provenance, &running.provenance]
            .map(|provenance| provenance.place(path))
            .into_iter()
            .find(|place| **place != Place::Default)
            .unwrap_or(&Place::Default)
            .clone();
        let kept = match key.canonical(old) {
            _ if key.secret => "its value".to_owned(),
            Some(value) => format!("`{value}`"),
            None => "no value".to_owned(),
        };
        let message = match new {
            Some(_) => format!("`{name}` needs a restart, and keeps {kept} until then"),
            None => format!(
                "`{name}` was removed here, which needs a restart, and keeps {kept} until then"
            ),
        };
        let old = old.cloned();
        let full_path: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
        match running.provenance.0.get(&full_path) {
            Some(place) => self.provenance.0.insert(full_path, place.clone()),
            None => self.provenance.0.remove(&full_path),
        };
        set_at(&mut self.values, path, old);
        Some(Diagnostic::new(place, message))
    }
}

fn of_restart(keys: &[Key]) -> impl Iterator<Item = &Key> {
    keys.iter().filter(|key| key.effect == Effect::Restart)
}

fn value_at<'a>(values: &'a Dict, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = values.get(*first)?;
    match rest {
        [] => Some(value),
        rest => value_at(value.as_dict()?, rest),
    }
}

fn set_at(values: &mut Dict, path: &[&str], value: Option<Value>) {
    match (path, value) {
        ([], _) => {}
        ([name], Some(value)) => {
            values.insert((*name).to_owned(), value);
        }
        ([name], None) => {
            values.remove(*name);
        }
        ([first, rest @ ..], value) => {
            let inner = values.remove(*first).and_then(Value::into_dict);
            let mut inner = inner.unwrap_or_default();
            set_at(&mut inner, rest, value);
            values.insert((*first).to_owned(), Value::from(inner));
        }
    }
}
