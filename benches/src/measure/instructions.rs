//! Instructions of one request, counted by callgrind: the slope between two request counts, so that start and end of
//! the process fall out.

use std::path::Path;
use std::process::Command;

use crate::contestants::split;

/// Rounds of the shorter and of the longer run.
pub(crate) const ROUNDS: [usize; 2] = [3, 13];

/// Instructions for each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instructions {
    /// Of the thread that answers it.
    pub(crate) thread: f64,
    /// Of all threads.
    pub(crate) process: f64,
    /// What arrived at the collector; nothing when there is none.
    pub(crate) sent: Sent,
}

/// What left the process for each request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent {
    pub(crate) spans: f64,
    /// Of the bodies.
    pub(crate) bytes: f64,
    /// Spans that went out together, on average.
    pub(crate) batch: f64,
}

/// Counts for the contestant with this name.
pub(crate) fn count(name: &str) -> Instructions {
    let [(short, _), (long, sent)] = ROUNDS.map(|rounds| total(name, rounds));
    let (_, scenario) = split(name);
    let requests = ((ROUNDS[1] - ROUNDS[0]) * scenario.round()) as f64;
    Instructions {
        thread: (long.thread - short.thread) / requests,
        process: (long.process - short.process) / requests,
        sent,
    }
}

/// Instructions of one run.
#[derive(Debug, Default)]
struct Totals {
    thread: f64,
    process: f64,
}

fn total(name: &str, rounds: usize) -> (Totals, Sent) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let sent = profile(name, rounds, folder.path());
    let files = std::fs::read_dir(folder.path()).expect("callgrind has written there");
    let mut totals = Totals::default();
    for file in files.flatten() {
        let instructions = total_of(&file.path());
        totals.process += instructions;
        // The main thread is the first, and answers all requests.
        if file.file_name().to_string_lossy().ends_with("-01") {
            totals.thread = instructions;
        }
    }
    assert!(
        totals.thread > 0.0,
        "callgrind has left no profile of the main thread"
    );
    (totals, sent)
}

/// Runs the contestant under callgrind, which leaves one file for each thread in `folder`.
fn profile(name: &str, rounds: usize, folder: &Path) -> Sent {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--separate-threads=yes",
            "--zero-before=*begin_counting*",
        ])
        .arg(format!("--callgrind-out-file={}/profile", folder.display()))
        .arg(super::own_path())
        .args(["drive", name, &rounds.to_string()])
        .output()
        .expect("valgrind is installed");
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    match super::numbers_of(&output.stdout)[..] {
        [spans, bytes, batch] => Sent {
            spans,
            bytes,
            batch,
        },
        _ => Sent::default(),
    }
}

fn total_of(profile: &Path) -> f64 {
    let text = std::fs::read_to_string(profile).expect("callgrind writes text");
    let total = text.lines().rev().find_map(|line| {
        let total = line
            .strip_prefix("totals: ")
            .or(line.strip_prefix("summary: "))?;
        total.trim().parse().ok()
    });
    // A file without totals belongs to no thread.
    total.unwrap_or_default()
}
