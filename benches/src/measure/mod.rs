//! What is measured, one way a file. Each measurement is a process of its own, started by the one that makes the table.

pub(crate) mod allocations;
pub(crate) mod contention;
pub(crate) mod instructions;
pub(crate) mod throughput;
pub(crate) mod time;

use std::process::Command;

/// The value in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Runs this program with other arguments, and reads the numbers that it prints.
fn numbers<const COUNT: usize>(arguments: [&str; COUNT]) -> Vec<f64> {
    let output = Command::new(own_path())
        .args(arguments)
        .output()
        .expect("this program can be started");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect()
}

fn own_path() -> std::path::PathBuf {
    std::env::current_exe().expect("the system tells where this program is")
}
