//! The file outranks the code: tests each key that an operator may tune, from each source that can
//! set it.

use std::path::PathBuf;

use super::*;
use crate::config::Loader;

#[crate::investigate(crate = crate, sample = 0.5, slow = "2s", record = false, span = false, histogram = false)]
fn tuned() {}

/// `buckets` needs a histogram, so it has a function of its own.
#[crate::investigate(crate = crate, buckets = [1])]
fn tuned_buckets() {}

/// The values that apply to [`tuned`] and to a request that it answers.
#[derive(Debug, PartialEq)]
struct InForce {
    sample: Ratio,
    slow_seconds: u64,
    record: bool,
    spans: bool,
    histogram: bool,
    buckets: Vec<f64>,
}

const ATTRIBUTE: (f64, u64, bool, f64) = (0.5, 2, false, 1.0);
const SECTION: &str = "tracing.sample = 0.25\ntracing.slow = \"3s\"\nmetrics.buckets = [2.0]\n";
const RULE: &str = "[investigate.\"*::tests::tuned*\"]\nsample = 0.125\nslow = \"4s\"\nrecord = true\n\
                    spans = true\nhistogram = true\nbuckets = [3.0]\n";
const VARIABLES: [(&str, &str); 3] = [
    ("DETECTIVE_TRACING__SAMPLE", "0.75"),
    ("DETECTIVE_TRACING__SLOW", "5s"),
    ("DETECTIVE_METRICS__BUCKETS", "4"),
];

/// A file that is deleted at the end.
struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn in_force(toml: &str, variables: &[(&str, &str)]) -> InForce {
    let name = format!(
        "detective-rules-{}-{:x}.toml",
        std::process::id(),
        fastrand::u64(..)
    );
    let file = File(std::env::temp_dir().join(name));
    std::fs::write(&file.0, toml).expect("a writable folder");
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let loaded = Loader::with(variables, "/")
        .file(&file.0)
        .load()
        .expect("valid settings");
    let snapshot = Snapshot::new(&loaded, 0, Vec::new());
    let function = snapshot.function(callsite("tuned"));
    let decision = snapshot.decide(None, Some(callsite("tuned")));
    let bounds = snapshot.function_bounds(callsite("tuned_buckets"));
    InForce {
        sample: decision.ratio,
        slow_seconds: decision.slow_nanos / 1_000_000_000,
        record: decision.record,
        spans: function.spans,
        histogram: function.histogram,
        buckets: bounds.seconds().filter(|bound| bound.is_finite()).collect(),
    }
}

/// The register contains functions that are never called.
fn callsite(function: &str) -> &'static Callsite {
    callsite::all()
        .iter()
        .find(|callsite| callsite.site().function == function)
        .expect("an investigated function of this file")
}

#[track_caller]
fn check(
    toml: &str,
    variables: &[(&str, &str)],
    (sample, slow_seconds, flag, bucket): (f64, u64, bool, f64),
) {
    let expected = InForce {
        sample: Ratio::new(sample),
        slow_seconds,
        record: flag,
        spans: flag,
        histogram: flag,
        buckets: vec![bucket],
    };
    assert_eq!(in_force(toml, variables), expected, "{toml}{variables:?}");
}

#[test]
fn the_file_wins_over_the_attribute() {
    tuned();
    tuned_buckets();
    check("", &[], ATTRIBUTE);
    // `record`, `span` and `histogram` cannot be set in a section.
    check(SECTION, &[], (0.25, 3, false, 2.0));
    check("", &VARIABLES, (0.75, 5, false, 4.0));
    check(SECTION, &VARIABLES, (0.75, 5, false, 4.0));
    let rule = (0.125, 4, true, 3.0);
    check(RULE, &[], rule);
    check(&format!("{SECTION}{RULE}"), &[], rule);
    check(RULE, &VARIABLES, rule);
}

#[test]
fn a_key_that_a_rule_leaves_open_is_decided_below_it() {
    let rule = "[investigate.\"*\"]\nsample = 0.125\n";
    check(rule, &[], (0.125, 2, false, 1.0));
    check(rule, &VARIABLES, (0.125, 5, false, 4.0));
}
