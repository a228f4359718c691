//! Loading: finds the file, merges the sources, and remembers which of them decided each value.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::value::Dict;
use figment::{Figment, Profile, Provider};

use super::diagnostic::{ConfigError, Diagnostic, Place};
use super::entry::Entry;
use super::environment::Environment;
use super::loaded::{Loaded, Origin, Provenance};
use super::{Config, Jaeger, collector, file, otel, review};

/// The name of the config file.
const FILE_NAME: &str = "detective.toml";

/// Loads the configuration. See the [module](super) for the sources and their order.
///
/// # Examples
///
/// ```
/// use detective::config::Loader;
///
/// let variables = [("DETECTIVE_TRACING__SAMPLE".to_owned(), "0.5".to_owned())];
/// let loaded = Loader::with(variables, std::env::temp_dir())
///     .set("service.name", "store")
///     .load()?;
/// assert_eq!(loaded.config.service.name, "store");
/// assert_eq!(loaded.config.tracing.sample, 0.5);
/// let place = loaded.provenance.place(&["tracing", "sample"]);
/// assert_eq!(place.to_string(), "DETECTIVE_TRACING__SAMPLE");
/// # Ok::<(), detective::config::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use = "a loader does nothing until it loads"]
pub struct Loader {
    environment: Environment,
    directory: PathBuf,
    file: FileChoice,
    profile: Option<String>,
    overrides: Vec<(String, String)>,
}

/// Which file is read.
#[derive(Debug, Clone)]
enum FileChoice {
    /// The one that `DETECTIVE_CONFIG` names, else the one that is found.
    Environment,
    /// This one.
    Named(PathBuf),
    /// This text instead.
    Text(String),
    /// None.
    Nothing,
}

impl Default for Loader {
    fn default() -> Self {
        Self::new()
    }
}

impl Loader {
    /// A loader for this process: its environment, its working directory.
    pub fn new() -> Self {
        // Without a working directory there is no file to be found in it or above it.
        let directory = std::env::current_dir().unwrap_or_default();
        Self::from_environment(Environment::of_process(), directory)
    }

    /// A loader that reads only these environment variables, and looks for `detective.toml` in this
    /// directory and its parents.
    pub fn with(
        variables: impl IntoIterator<Item = (String, String)>,
        directory: impl Into<PathBuf>,
    ) -> Self {
        Self::from_environment(Environment::new(variables), directory.into())
    }

    /// A loader that reads only this text, in the form of `detective.toml`. For tests.
    pub(crate) fn isolated(text: &str) -> Self {
        let mut loader = Self::with([], "");
        loader.file = FileChoice::Text(text.to_owned());
        loader
    }

    fn from_environment(environment: Environment, directory: PathBuf) -> Self {
        Self {
            environment,
            directory,
            file: FileChoice::Environment,
            profile: None,
            overrides: Vec::new(),
        }
    }

    /// Reads this file, which must exist. It wins over `DETECTIVE_CONFIG`.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = FileChoice::Named(path.into());
        self
    }

    /// Reads no file, even if there is one or `DETECTIVE_CONFIG` names one. For tests.
    pub fn without_file(mut self) -> Self {
        self.file = FileChoice::Nothing;
        self
    }

    /// Sets the profile. It wins over `DETECTIVE_PROFILE`.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Sets a key. It wins over the file and the environment. Write the value as in a variable: `0.5`,
    /// `250ms`, `GET,POST`.
    pub fn set(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.overrides.push((key.into(), value.to_string()));
        self
    }

    /// Loads and merges all sources.
    ///
    /// # Errors
    ///
    /// When anything in them is wrong. The error holds all mistakes.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let mut mistakes = Vec::new();
        let mut warnings = Vec::new();

        let path = self.find_file();
        let origin = self.origin(path.as_ref().map(|(path, _)| path.as_path()));
        let settings = match (&self.file, &path) {
            (FileChoice::Text(text), _) => {
                let shown = Path::new(FILE_NAME);
                Ok(file::read(text, shown, &origin.directory, &mut mistakes))
            }
            (_, Some((path, place))) => self.read_file(path, place, &origin, &mut mistakes),
            (_, None) => Ok(file::Settings::default()),
        };
        let readable = settings.is_ok();
        let settings = settings.unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            file::Settings::default()
        });
        let profile = self.profile_in_force();
        // A file that cannot be read may well have the profile.
        if readable && mistakes.is_empty() {
            mistakes.extend(self.unknown_profile(&profile, &settings.profiles));
        }

        // From the weakest to the strongest: each replaces what the ones before it set.
        let mut entries = settings.entries;
        entries.retain(|entry| entry.profile.as_ref().is_none_or(|name| *name == profile));
        entries.sort_by_key(|entry| entry.profile.is_some());
        let variables = self
            .environment
            .entries(&self.directory, &mut mistakes, &mut warnings);
        let program = self.overridden(&mut mistakes);
        entries.extend(otel::entries(&self.environment, &mut warnings));
        let stronger = || variables.iter().chain(&program);
        let jaeger = jaeger(entries.iter().chain(stronger()));
        entries.extend(otel::endpoint(&self.environment, &jaeger, &mut warnings));
        entries.extend(variables);
        entries.extend(program);

        if !mistakes.is_empty() {
            return Err(ConfigError::new(mistakes));
        }
        let (values, provenance) = merge(collector::tidied(entries));
        let config = Config::read(&values);
        mistakes.extend(review::mistakes(&config, &provenance));
        if !mistakes.is_empty() {
            return Err(ConfigError::new(mistakes));
        }
        warnings.extend(review::warnings(&config, &provenance));
        Ok(Loaded {
            config,
            warnings,
            origin,
            profile,
            provenance,
            values,
        })
    }

    /// Where the file is to be, when there is none yet: what the program or `DETECTIVE_CONFIG`
    /// names, else `detective.toml` in the working directory.
    pub(crate) fn file_to_write(&self) -> PathBuf {
        let named = match &self.file {
            FileChoice::Named(path) => Some(path.as_path()),
            _ => self.environment.get("DETECTIVE_CONFIG").map(Path::new),
        };
        self.directory.join(named.unwrap_or(Path::new(FILE_NAME)))
    }

    /// The directory that it begins to look in.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// As [`load`](Self::load), in a program that runs with the configuration from `file`.
    ///
    /// # Errors
    ///
    /// As `load`, and when the file is no longer where it was found: what it said would be lost.
    pub(crate) fn load_again(&self, file: Option<&Path>) -> Result<Loaded, ConfigError> {
        let loaded = self.load()?;
        if let Some(file) = file
            && std::fs::metadata(file).is_ok_and(|file| file.len() == 0)
        {
            let place = Place::File {
                path: self.shown(file),
                line: 1,
                column: 1,
            };
            let message =
                "the file is empty, expected settings; the previous settings stay in force";
            return Err(ConfigError::new(vec![Diagnostic::new(place, message)]));
        }
        match file {
            Some(file) if loaded.origin.file.as_deref() != Some(file) => {
                let place = Place::File {
                    path: self.shown(file),
                    line: 1,
                    column: 1,
                };
                let message = "the file was removed, expected it where it was at start; the \
                               previous settings stay in force";
                Err(ConfigError::new(vec![Diagnostic::new(place, message)]))
            }
            _ => Ok(loaded),
        }
    }

    /// Whether loading again can find anything else, other than by a change of a secret's file.
    pub(crate) fn reads_a_file(&self) -> bool {
        matches!(self.file, FileChoice::Environment | FileChoice::Named(_))
    }

    /// The file to read, and the place that names it.
    fn find_file(&self) -> Option<(PathBuf, Place)> {
        match &self.file {
            FileChoice::Environment => {}
            FileChoice::Text(_) | FileChoice::Nothing => return None,
            FileChoice::Named(path) => {
                let place = Place::Program("file()".to_owned());
                return Some((self.directory.join(path), place));
            }
        }
        if let Some(path) = self.environment.get("DETECTIVE_CONFIG") {
            let place = Place::Variable("DETECTIVE_CONFIG".to_owned());
            return Some((self.directory.join(path), place));
        }
        let found = self
            .directory
            .ancestors()
            .map(|directory| directory.join(FILE_NAME));
        let path = found.into_iter().find(|path| path.is_file())?;
        let place = Place::File {
            path: self.shown(&path),
            line: 1,
            column: 1,
        };
        Some((path, place))
    }

    fn read_file(
        &self,
        path: &Path,
        place: &Place,
        origin: &Origin,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Result<file::Settings, Diagnostic> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let shown = self.shown(path);
            let message = format!(
                "`{}` cannot be read ({error}), expected a config file",
                shown.display()
            );
            Diagnostic::new(place.clone(), message)
        })?;
        Ok(file::read(
            &text,
            &self.shown(path),
            &origin.directory,
            mistakes,
        ))
    }

    fn origin(&self, file: Option<&Path>) -> Origin {
        let folder = file.and_then(Path::parent).unwrap_or(&self.directory);
        Origin {
            file: file.map(Path::to_owned),
            directory: folder.to_owned(),
        }
    }

    /// A path as diagnostics show it.
    fn shown(&self, path: &Path) -> PathBuf {
        // Below the root everything is; there the whole path says more.
        let below = match self.directory.parent() {
            Some(_) => path.strip_prefix(&self.directory).ok(),
            None => None,
        };
        below.unwrap_or(path).to_owned()
    }

    fn profile_in_force(&self) -> String {
        let built = if cfg!(debug_assertions) {
            "development"
        } else {
            "production"
        };
        let named = self.profile.as_deref();
        named
            .or(self.environment.get("DETECTIVE_PROFILE"))
            .unwrap_or(built)
            .to_owned()
    }

    fn unknown_profile(&self, profile: &str, in_file: &[String]) -> Option<Diagnostic> {
        let mut known: Vec<&str> = file::PROFILES.to_vec();
        known.extend(
            in_file
                .iter()
                .map(String::as_str)
                .filter(|name| !file::PROFILES.contains(name)),
        );
        if known.contains(&profile) {
            return None;
        }
        let place = match self.profile {
            Some(_) => Place::Program("profile()".to_owned()),
            None => Place::Variable("DETECTIVE_PROFILE".to_owned()),
        };
        Some(Diagnostic::unknown(
            place,
            &format!("unknown profile `{profile}`"),
            profile,
            &known,
        ))
    }

    fn overridden(&self, mistakes: &mut Vec<Diagnostic>) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (key, value) in &self.overrides {
            let place = Place::Program(format!("set(\"{key}\")"));
            let (section, name) = key.split_once('.').unwrap_or((key, ""));
            match Entry::from_text(section, name, value, place, &self.directory) {
                Ok(entry) => entries.push(entry),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        entries
    }
}

/// Shows no value, since any may be a secret.
impl fmt::Debug for Loader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.overrides.iter().map(|(key, _)| key.as_str()).collect();
        formatter
            .debug_struct("Loader")
            .field("directory", &self.directory)
            .field("file", &self.file)
            .field("profile", &self.profile)
            .field("set", &keys)
            .finish_non_exhaustive()
    }
}

/// Merges entries, of which each replaces the earlier ones for its key.
fn merge(entries: Vec<Entry>) -> (Dict, Provenance) {
    let mut figment = Figment::new();
    let mut places = BTreeMap::new();
    for entry in entries {
        places.insert(entry.path.clone(), entry.place.clone());
        figment = figment.merge(entry);
    }
    // Entries are built in memory, so that no provider can have failed.
    let mut values = figment.data().unwrap_or_default();
    let values = values.remove(&Profile::Default).unwrap_or_default();
    (values, Provenance(places))
}

/// The protocol and the CA that hold, which decide what the endpoint variables of OpenTelemetry mean
/// and whether they can be used.
fn jaeger<'a>(entries: impl Iterator<Item = &'a Entry>) -> Jaeger {
    let named = entries
        .filter(|entry| entry.path == ["jaeger", "protocol"] || entry.path == ["jaeger", "ca_file"])
        .cloned()
        .collect();
    Config::read(&merge(named).0).jaeger
}
