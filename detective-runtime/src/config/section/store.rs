//! `[store]`: where the row of each request is written.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::config::declare::section;
use crate::config::secret::Secret;

section! {
    /// Where the row of each request is written. `/analytics` and your own queries on `api_metrics`
    /// read these rows.
    pub struct Store in "store" {
        /// Whether rows are written.
        restart enabled: bool = true;
        /// Address of the database: "sqlite://data/detective.db" or "sqlite::memory:". A relative
        /// path begins at the folder of this file. If there is no file, it begins at the working
        /// directory. `url_file` names a file that holds the address.
        restart url: Secret = "sqlite://data/detective.db".into(), check STORE_URL;
        /// Maximum number of rows that wait to be written. Further rows are dropped and counted.
        restart queue_rows: usize = 50_000, check AT_LEAST_ONE;
    }
}

/// Characters that would end or change the path of an SQLite address.
const NOT_IN_PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

impl Store {
    /// The address of the store. A relative path of an SQLite file is resolved against `directory`
    /// (see [`Origin::directory`](crate::config::Origin::directory)).
    pub fn resolved_url(&self, directory: &Path) -> Secret {
        let url = self.url.expose();
        let Some(path) = url
            .strip_prefix("sqlite://")
            .or(url.strip_prefix("sqlite:"))
        else {
            return self.url.clone();
        };
        let is_relative = !path.starts_with(['/', '?', ':']);
        if !is_relative || directory.as_os_str().is_empty() {
            return self.url.clone();
        }
        let directory = directory.display().to_string();
        let directory = utf8_percent_encode(&directory, NOT_IN_PATH);
        Secret::from(format!("sqlite://{directory}/{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let store = Store {
            url: url.into(),
            ..Store::default()
        };
        let resolved = store.resolved_url(Path::new("/srv/what? 100%"));
        assert_eq!(resolved.expose(), expected);
    }

    #[test]
    fn relative_paths_begin_at_the_directory() {
        check(
            "sqlite://data/d.db",
            "sqlite:///srv/what%3F 100%25/data/d.db",
        );
        check(
            "sqlite:d.db?mode=rwc",
            "sqlite:///srv/what%3F 100%25/d.db?mode=rwc",
        );
    }

    #[test]
    fn other_addresses_stay_as_they_are() {
        for url in [
            "sqlite:///var/d.db",
            "sqlite::memory:",
            "sqlite://:memory:",
            "other://x",
        ] {
            check(url, url);
        }
        let unknown_directory = Store::default().resolved_url(Path::new(""));
        assert_eq!(unknown_directory, Store::default().url);
    }
}
