//! Watches over what has been reached: the instructions of the request thread may not grow by more than a tenth.

use std::process::ExitCode;

use crate::measure::instructions;

/// What was counted when it was last recorded: a contestant a line, with the instructions of its request thread over
/// those of the bare application.
const RECORDED: &str = include_str!("../recorded.txt");

/// How much it may grow before it is a failure, since compilers and C libraries differ a little.
const TOLERANCE: f64 = 1.1;

/// Counts again, and fails when something has grown.
pub(crate) fn check() -> ExitCode {
    let mut has_grown = false;
    for (name, recorded, counted) in counted() {
        let grows = counted > recorded * TOLERANCE;
        has_grown |= grows;
        let remark = if grows {
            ": more than a tenth above what was recorded"
        } else {
            ""
        };
        println!(
            "{name}: {counted:.0} instructions over the bare application, recorded {recorded:.0}{remark}"
        );
    }
    if has_grown {
        println!("where the growth is wanted, write these figures into benches/recorded.txt");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn counted() -> impl Iterator<Item = (&'static str, f64, f64)> {
    let bare = instructions::count("bare").thread;
    let recorded = RECORDED.lines().filter_map(|line| line.split_once(' '));
    recorded.map(move |(name, recorded)| {
        let recorded = recorded
            .parse()
            .expect("recorded.txt has a name and a number on each line");
        (name, recorded, instructions::count(name).thread - bare)
    })
}
