//! What is measured, one way a file. Each measurement is a process of its own, started by the one that makes the table.

pub(crate) mod allocations;
pub(crate) mod contention;
pub(crate) mod dropped;
pub(crate) mod export;
pub(crate) mod instructions;
pub(crate) mod losses;
pub(crate) mod throughput;
pub(crate) mod time;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
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
    numbers_of(&output.stdout)
}

fn numbers_of(output: &[u8]) -> Vec<f64> {
    String::from_utf8_lossy(output)
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// Where this program is.
pub(crate) fn own_path() -> PathBuf {
    std::env::current_exe().expect("the system tells where this program is")
}

/// The server's core under load.
const CORE_OF_SERVER: &str = "0";

/// The cores of those who are on the other end of the server, as `taskset` takes them.
pub(crate) fn cores_of_clients() -> String {
    // All of the machine: a server that is kept on one core is told of no other.
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = text
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    format!("1-{}", cores.saturating_sub(1).max(1))
}

/// Nanoseconds that each thread of a process has run, with the thread's number.
fn nanos_of_threads(process: u32) -> impl Iterator<Item = (u32, f64)> {
    let threads =
        std::fs::read_dir(format!("/proc/{process}/task")).expect("the process still runs");
    threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanos = text.split_whitespace().next()?.parse().ok()?;
        let number = thread.file_name().to_str()?.parse().ok()?;
        Some((number, nanos))
    })
}

/// Asks a server on loopback, and answers with head and body.
pub(crate) fn get(port: u16, path: &str) -> String {
    let mut answer = String::new();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server still runs");
    let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("the server still runs");
    // An answer that breaks off lacks what is looked for in it.
    let _broken = stream.read_to_string(&mut answer);
    answer
}
