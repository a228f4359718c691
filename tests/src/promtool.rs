//! `promtool`, which checks an exposition.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use crate::binary;

/// The installed `promtool`.
#[derive(Debug)]
pub struct Promtool(PathBuf);

impl Promtool {
    /// Finds it, or returns `None` when it is not installed.
    #[must_use]
    pub fn find() -> Option<Self> {
        binary::require("promtool").map(Self)
    }

    /// What `promtool check metrics` reports about an exposition in the text format 0.0.4; empty if
    /// it finds no mistake.
    #[must_use]
    pub fn check_metrics(&self, exposition: &str) -> String {
        let mut child = Command::new(&self.0)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a program that was found can be started");
        let mut stdin = child.stdin.take().expect("its standard input is a pipe");
        let output = thread::scope(|scope| {
            // Writes while reading, so that neither waits for the other with a full pipe.
            // `promtool` may end before it has read everything, after it has found a mistake.
            scope.spawn(move || stdin.write_all(exposition.as_bytes()));
            child
                .wait_with_output()
                .expect("a child can be waited for by its parent")
        });
        let findings =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        if findings.trim().is_empty() && !output.status.success() {
            return format!("promtool ended with {}", output.status);
        }
        findings.trim().to_owned()
    }
}
