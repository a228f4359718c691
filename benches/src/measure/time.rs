//! Time of one request on its thread, beside the bare application in the same run.
//!
//! It is processor time, so that other programs on the machine disturb it less.

use cpu_time::ThreadTime;

use super::median;
use crate::contestants::{Contestant, build};
use crate::driver::{drive, round};

const WARM_UP: usize = 20;
const ROUNDS: usize = 300;

/// Nanoseconds over the bare application, and those of the bare application.
pub(crate) fn measure(name: &str) -> (f64, f64) {
    let numbers = super::numbers(["time", name]);
    (numbers[0], numbers[1])
}

/// Prints them: the medians over rounds that take turns.
pub(crate) async fn run(name: &str) {
    let bare = match name.split_once('/') {
        Some((_, scenario)) => format!("bare/{scenario}"),
        None => "bare".to_owned(),
    };
    let mut bare = build(&bare).await;
    let mut contestant = build(name).await;
    let _none = drive(&mut bare, WARM_UP).await;
    let _arrived = drive(&mut contestant, WARM_UP).await;
    let mut differences = Vec::new();
    let mut times_of_bare = Vec::new();
    for _ in 0..ROUNDS {
        let of_bare = time(&mut bare).await;
        differences.push(time(&mut contestant).await - of_bare);
        times_of_bare.push(of_bare);
    }
    println!("{} {}", median(differences), median(times_of_bare));
}

async fn time(contestant: &mut Contestant) -> f64 {
    let start = ThreadTime::now();
    round(contestant).await;
    let elapsed = start.elapsed().as_nanos() as f64;
    contestant.settle().await;
    elapsed / contestant.round as f64
}
