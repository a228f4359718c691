//! The environment: `DETECTIVE_<SECTION>__<KEY>` for any key.

use std::collections::BTreeMap;
use std::path::Path;

use super::diagnostic::{Diagnostic, Place};
use super::entry::Entry;
use super::sections;

/// What all names begin with.
const PREFIX: &str = "DETECTIVE_";

/// The environment variables, in which an empty one counts as unset.
#[derive(Clone, Default)]
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the variables of this process. What is not Unicode is kept as far as it can be read.
    pub(super) fn of_process() -> Self {
        let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
        Self::new(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let filled = variables
            .into_iter()
            .filter(|(_, value)| !value.trim().is_empty());
        Self(filled.collect())
    }

    /// A variable that is set and not empty, without the space around it.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim())
    }

    /// The entries of all `DETECTIVE_*` variables that are keys. A name without `__` is none; it
    /// is warned of when it looks as if it should be.
    pub(super) fn entries(
        &self,
        directory: &Path,
        mistakes: &mut Vec<Diagnostic>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (name, value) in &self.0 {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let place = Place::Variable(name.clone());
            match rest.split_once("__") {
                Some((section, key)) => {
                    let (section, key) = (section.to_lowercase(), key.to_lowercase());
                    match Entry::from_text(&section, &key, value.trim(), place, directory) {
                        Ok(entry) => entries.push(entry),
                        Err(mistake) => mistakes.push(mistake),
                    }
                }
                None => warnings.extend(meant_as_key(rest, place)),
            }
        }
        entries
    }
}

/// A warning for `DETECTIVE_STORE_URL`, which would be a key if it were written with `__`.
fn meant_as_key(name: &str, place: Place) -> Option<Diagnostic> {
    let (section, key) = sections().iter().find_map(|section| {
        let key = name.to_lowercase();
        let key = key.strip_prefix(section.name)?.strip_prefix('_')?;
        Some((section, section.key(key)?))
    })?;
    let meant = format!("{PREFIX}{}__{}", section.name, key.name).to_uppercase();
    let message = format!("this variable is not a key and is ignored, did you mean `{meant}`?");
    Some(Diagnostic::new(place, message))
}
