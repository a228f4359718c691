//! How many spans a second a contestant's background takes over, encodes and sends.
//!
//! A second is one of processor time, over all threads but the one that answers the requests: what is told is how much
//! one core can send that does nothing else. On the clock it cannot be told, since one thread that answers requests in
//! process does not keep such a background busy. Rows have to be off: writing them is on these threads too.

use std::process;

use super::{nanos_of_threads, numbers};
use crate::contestants::build;
use crate::driver::drive;

/// Rounds after which every pool and table has its size.
const WARM_UP: usize = 20;
const ROUNDS: usize = 200;

/// Spans a second.
pub(crate) fn measure(name: &str) -> f64 {
    numbers(["export", name])[0]
}

/// Prints them.
pub(crate) async fn run(name: &str) {
    let mut contestant = build(name).await;
    let _arrived = drive(&mut contestant, WARM_UP).await;
    let before = nanos_of_background();
    let arrived = drive(&mut contestant, ROUNDS)
        .await
        .unwrap_or_else(|| panic!("`{name}` sends nothing; `{name}+otlp` may"));
    let seconds = (nanos_of_background() - before) / 1e9;
    println!("{:.0}", arrived.spans as f64 / seconds);
}

fn nanos_of_background() -> f64 {
    // The thread that answers is the first, and has the number of the process.
    nanos_of_threads(process::id())
        .filter(|(thread, _)| *thread != process::id())
        .map(|(_, nanos)| nanos)
        .sum()
}
