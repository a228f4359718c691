//! Tests of loading through its public surface: text, variables and calls in, settings or
//! messages out.
#![allow(clippy::unwrap_used, reason = "tests")]

mod mistakes;
mod otel;
mod precedence;
mod reference;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{ConfigError, Loaded, Loader};

/// A folder of one test, with a `detective.toml` in it; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(text: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("detective-config-{}-{number}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(folder.path()).unwrap();
        folder.write("detective.toml", text);
        folder
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn loader(&self, variables: &[(&str, &str)]) -> Loader {
        Loader::with(pairs(variables), self.path())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Loads this text as `detective.toml`, with these variables only.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    Folder::new(text).loader(variables).load()
}

/// Loads with no file, since there is none above the root of the file system.
fn load_without_file(variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    Loader::with(pairs(variables), "/").load()
}

fn pairs(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(pair).collect()
}

fn warnings(loaded: &Loaded) -> Vec<String> {
    loaded.warnings.iter().map(ToString::to_string).collect()
}
