//! Allocations of one request.

use crate::allocations::{counted, start_counting};
use crate::contestants::build;
use crate::driver::drive;

/// Rounds after which every pool and table has its size.
const WARM_UP: usize = 10;
const ROUNDS: usize = 20;

/// Allocations for each request: those of its thread, and those of the process.
pub(crate) fn measure(name: &str) -> (f64, f64) {
    let numbers = super::numbers(["allocations", name]);
    (numbers[0], numbers[1])
}

/// Prints the allocations for each request: those of its thread, and those of the process.
pub(crate) async fn run(name: &str) {
    let mut contestant = build(name).await;
    let _arrived = drive(&mut contestant, WARM_UP).await;
    start_counting();
    let before = counted();
    let _arrived = drive(&mut contestant, ROUNDS).await;
    let after = counted();
    let requests = (ROUNDS * contestant.round) as f64;
    let each = |count: u64| count as f64 / requests;
    println!(
        "{:.2} {:.2}",
        each(after.thread - before.thread),
        each(after.process - before.process)
    );
}
