//! Time of one request when several threads send them at once, each through its own clone of the router.

use std::sync::{Arc, Barrier};

use cpu_time::ThreadTime;

use super::median;
use crate::contestants::{Contestant, build};
use crate::driver::round;

const ROUNDS: usize = 200;

/// Nanoseconds of processor time for each request.
pub(crate) fn measure(name: &str, threads: usize) -> f64 {
    super::numbers(["contention", name, &threads.to_string()])[0]
}

/// Prints them.
pub(crate) async fn run(name: &str, threads: usize) {
    let contestant = build(name).await;
    let settle = Arc::new(contestant.settle);
    let start = Arc::new(Barrier::new(threads));
    let workers: Vec<_> = std::iter::repeat_with(|| {
        let (start, settle) = (Arc::clone(&start), Arc::clone(&settle));
        let own = Contestant {
            app: contestant.app.clone(),
            uris: contestant.uris.clone(),
            round: contestant.round / threads,
            settle: Box::new(move || settle()),
            collector: None,
        };
        std::thread::spawn(move || work(own, &start))
    })
    .take(threads)
    .collect();
    let times = workers
        .into_iter()
        .map(|worker| worker.join().expect("no request fails"))
        .collect();
    println!("{}", median(times));
}

fn work(mut contestant: Contestant, start: &Barrier) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("the system has room for a runtime");
    runtime.block_on(async {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            // So that all are at work while one is timed.
            start.wait();
            let begin = ThreadTime::now();
            round(&mut contestant).await;
            times.push(begin.elapsed().as_nanos() as f64 / contestant.round as f64);
            contestant.settle().await;
        }
        median(times)
    })
}
