//! The `sqlite3` command, used as a person would use it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::binary;

/// A database file, read with the installed `sqlite3`.
#[derive(Debug)]
pub struct Sqlite {
    program: PathBuf,
    database: PathBuf,
}

impl Sqlite {
    /// A database that exists or will exist; `None` when `sqlite3` is not installed.
    #[must_use]
    pub fn open(database: impl AsRef<Path>) -> Option<Self> {
        binary::require("sqlite3").map(|program| Self {
            program,
            database: database.as_ref().to_owned(),
        })
    }

    /// The rows of a query, each an object with the columns as keys.
    ///
    /// # Panics
    ///
    /// With the error of `sqlite3`.
    #[must_use]
    pub fn rows(&self, query: &str) -> Vec<Value> {
        let text = self.run("-json", query);
        // `sqlite3` writes no text for no rows, instead of an empty list.
        if text.trim().is_empty() {
            return Vec::new();
        }
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{error} in what sqlite3 printed:\n{text}"))
    }

    /// The single value that a query returns, such as a `count(*)`.
    ///
    /// # Panics
    ///
    /// With the error of `sqlite3`, or when the result is not one number.
    #[must_use]
    pub fn number(&self, query: &str) -> i64 {
        let text = self.run("-list", query);
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("expected one number for `{query}`, found `{text}`"))
    }

    /// The whole database as SQL, to search it for what must not be there.
    ///
    /// # Panics
    ///
    /// With the error of `sqlite3`.
    #[must_use]
    pub fn dump(&self) -> String {
        self.run("-list", ".dump")
    }

    fn run(&self, mode: &str, query: &str) -> String {
        let output = Command::new(&self.program)
            // Another program may be writing, so it waits up to five seconds. The user's start-up
            // file is not read.
            .args([
                "-batch",
                "-readonly",
                "-init",
                "/dev/null",
                "-cmd",
                ".timeout 5000",
                mode,
            ])
            .arg(&self.database)
            .arg(query)
            .output()
            .expect("a program that was found can be started");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && errors.is_empty(),
            "sqlite3 on `{query}`: {errors}"
        );
        String::from_utf8(output.stdout).expect("sqlite3 prints UTF-8")
    }
}
