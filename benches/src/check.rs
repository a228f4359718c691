//! Watches over what has been reached: instructions may not grow by more than a tenth, and each span arrives or is
//! counted as dropped.

use std::process::ExitCode;

use crate::measure::{instructions, losses};

/// What was counted when it was last recorded: a contestant a line, with the instructions of its request thread over
/// those of the bare application, and those of the process where they are watched too.
const RECORDED: &str = include_str!("../recorded.txt");

/// How much it may grow before it is a failure, since compilers and C libraries differ a little.
const TOLERANCE: f64 = 1.1;

/// Who is asked for more than it can send.
const OVERLOADED: [&str; 2] = ["detective-no-rows+otlp", "detective+otlp"];

/// Counts again, and fails when something has grown or has got lost.
pub(crate) fn check() -> ExitCode {
    let has_grown = grown();
    let has_lost = OVERLOADED.map(lost).contains(&true);
    if has_grown {
        println!("where the growth is wanted, write these figures into benches/recorded.txt");
    }
    if has_grown || has_lost {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn grown() -> bool {
    let bare = instructions::count("bare");
    let mut has_grown = false;
    for line in RECORDED.lines() {
        let mut words = line.split(' ');
        let name = words.next().expect("each line begins with a name");
        let counted = instructions::count(name);
        let over_bare = [
            ("request thread", counted.thread - bare.thread),
            ("process", counted.process - bare.process),
        ];
        for ((part, counted), recorded) in over_bare.into_iter().zip(words) {
            let recorded: f64 = recorded.parse().expect("numbers follow the name");
            let grows = counted > recorded * TOLERANCE;
            has_grown |= grows;
            let remark = if grows {
                ": more than a tenth above what was recorded"
            } else {
                ""
            };
            println!(
                "{name}, {part}: {counted:.0} instructions over the bare application, recorded {recorded:.0}{remark}"
            );
        }
    }
    has_grown
}

fn lost(name: &str) -> bool {
    let spans = losses::measure(name);
    let missing = spans.sent - spans.arrived - spans.counted;
    println!(
        "{name}, without a pause: {} spans, {} arrived, {} counted as dropped, {missing} unaccounted for",
        spans.sent, spans.arrived, spans.counted
    );
    missing != 0.0
}
