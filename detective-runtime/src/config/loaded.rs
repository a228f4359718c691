//! What loading yields: the settings, and where each of them came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use figment::value::Dict;

use super::Config;
use super::diagnostic::{Diagnostic, Place};

/// A valid configuration, and where it came from.
#[derive(Clone)]
#[non_exhaustive]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Warnings: settings that are accepted, but probably not what was meant.
    pub warnings: Vec<Diagnostic>,
    /// The file it came from, and what relative paths are relative to.
    pub origin: Origin,
    /// The current profile.
    pub profile: String,
    /// Where each value came from.
    pub provenance: Provenance,
    /// What `config` was read from.
    pub(super) values: Dict,
}

impl Loaded {
    /// Whether this says the same as another, at the same places.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.values == other.values
            && self.provenance == other.provenance
            && self.profile == other.profile
            && self.origin == other.origin
    }
}

/// Leaves out the plain values, since any may be a secret.
impl fmt::Debug for Loaded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Loaded")
            .field("config", &self.config)
            .field("warnings", &self.warnings)
            .field("origin", &self.origin)
            .field("profile", &self.profile)
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}

/// Where the configuration came from, for paths that are relative to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The config file, if there is one.
    pub file: Option<PathBuf>,
    /// Where relative paths begin: the file's folder, or the working directory if there is no file.
    pub directory: PathBuf,
}

/// Where each value that is not a default came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance(pub(super) BTreeMap<Vec<String>, Place>);

impl Provenance {
    /// The place that decided a key: `["tracing", "sample"]`,
    /// `["routes", "/users/*", "sample"]`; of a rule without its key, the place of its pattern.
    /// A key that nothing sets has [`Place::Default`].
    pub fn place(&self, path: &[&str]) -> &Place {
        let path: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
        self.0.get(&path).unwrap_or(&Place::Default)
    }

    /// Whether anything sets a key of a section, so that it outranks an argument of the attribute.
    pub fn is_set(&self, section: &str, key: &str) -> bool {
        *self.place(&[section, key]) != Place::Default
    }

    /// Every key that something sets, with the place.
    pub fn iter(&self) -> impl Iterator<Item = (&[String], &Place)> {
        self.0.iter().map(|(path, place)| (path.as_slice(), place))
    }
}
