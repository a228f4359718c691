//! Finds the programs of the real servers.

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
};

/// The program called `name`. If it is missing, returns `None` and writes to standard error what is
/// skipped.
///
/// It is searched for on `PATH`, then in `$XDG_CACHE_HOME/detective/bin`
/// (`~/.cache/detective/bin`), where `.ci/run` installs what no Debian package contains.
///
/// # Panics
///
/// When it is missing and `DETECTIVE_REQUIRE_SERVERS` is `1`.
#[must_use]
pub fn require(name: &str) -> Option<PathBuf> {
    let found = folders()
        .into_iter()
        .map(|folder| folder.join(name))
        .find(is_program);
    if found.is_none() {
        assert!(
            env::var("DETECTIVE_REQUIRE_SERVERS").as_deref() != Ok("1"),
            "`{name}` is not installed, and DETECTIVE_REQUIRE_SERVERS=1 asks for it; `.ci/run` installs it",
        );
        // Bypasses the test harness, which hides the output of a passing test: a skipped test must
        // be visible. A closed standard error must not fail the test.
        let _ = writeln!(io::stderr(), "skipped: {name} is not installed");
    }
    found
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<_> = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default();
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    folders.extend(cache.map(|cache| cache.join("detective/bin")));
    folders
}

fn is_program(path: &PathBuf) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}
