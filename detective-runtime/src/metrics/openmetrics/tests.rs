#![allow(clippy::unwrap_used, reason = "tests")]

use prometheus::core::Collector;
use prometheus::{Counter, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts};

use super::*;

fn check(collectors: &[&dyn Collector], exemplars: &Exemplars, expected: &str) {
    let families: Vec<_> = collectors.iter().flat_map(|c| c.collect()).collect();
    assert_eq!(encode(&families, exemplars), expected);
}

fn check_plain(collectors: &[&dyn Collector], expected: &str) {
    check(collectors, &Exemplars::default(), expected);
}

#[test]
fn no_families_give_only_the_end_mark() {
    check_plain(&[], "# EOF\n");
}

#[test]
fn a_counter_is_named_without_total_and_sampled_with_it() {
    let opts = Opts::new("http_requests_total", "Requests.");
    let counter = IntCounterVec::new(opts, &["endpoint", "method"]).unwrap();
    counter
        .with_label_values(&["/users/{user_id}", "GET"])
        .inc_by(3);
    let cpu = Counter::new("cpu_seconds_total", "Time.").unwrap();
    cpu.inc_by(0.25);
    check_plain(
        &[&counter, &cpu],
        r#"# TYPE http_requests counter
# HELP http_requests Requests.
http_requests_total{endpoint="/users/{user_id}",method="GET"} 3
# TYPE cpu_seconds counter
# UNIT cpu_seconds seconds
# HELP cpu_seconds Time.
cpu_seconds_total 0.25
# EOF
"#,
    );
}

#[test]
fn a_counter_without_total_keeps_its_name_and_is_unknown() {
    let counter = IntCounter::new("high_fives", "Hands.").unwrap();
    check_plain(
        &[&counter],
        "# TYPE high_fives unknown\n# HELP high_fives Hands.\nhigh_fives 0\n# EOF\n",
    );
}

#[test]
fn a_family_with_a_clashing_name_is_unknown_or_left_out() {
    let gauge = Gauge::new("jobs", "Now.").unwrap();
    let counter = IntCounter::new("jobs_total", "Ever.").unwrap();
    let again = Gauge::new("jobs_total", "Again.").unwrap();
    check_plain(
        &[&gauge, &counter, &again],
        "# TYPE jobs gauge\n# HELP jobs Now.\njobs 0\n\
         # TYPE jobs_total unknown\n# HELP jobs_total Ever.\njobs_total 0\n# EOF\n",
    );
}

#[test]
fn text_is_escaped() {
    let opts = Opts::new("odd_total", "Line\nbreak, \"quote\" and back\\slash.");
    let counter = IntCounterVec::new(opts, &["label"]).unwrap();
    counter.with_label_values(&["a\"b\\c\nd é"]).inc();
    check_plain(
        &[&counter],
        concat!(
            "# TYPE odd counter\n",
            r#"# HELP odd Line\nbreak, \"quote\" and back\\slash."#,
            "\n",
            r#"odd_total{label="a\"b\\c\nd é"} 1"#,
            "\n# EOF\n"
        ),
    );
}

#[test]
fn a_histogram_has_canonical_bounds_and_exemplars() {
    let bounds = vec![0.00001, 0.005, 1.0, 10.0, 2_500_000.0];
    let opts = HistogramOpts::new("wait_seconds", "Wait.").buckets(bounds);
    let histogram = HistogramVec::new(opts, &["endpoint"]).unwrap();
    histogram.with_label_values(&["/"]).observe(0.005);
    histogram.with_label_values(&["/"]).observe(0.75);
    let mut exemplars = Exemplars::default();
    let exemplar = Exemplar {
        nanos: 5_000_000,
        trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
        span_id: 0x00ba_d1de,
        unix_nanos: 1_700_000_000_012_345_678,
    };
    let labels = histogram.collect()[0].get_metric()[0].get_label().to_vec();
    let by_bucket = vec![None, Some(exemplar), None, None, None, None];
    exemplars.insert("wait_seconds", &labels, by_bucket);
    exemplars.insert("other_seconds", &labels, vec![Some(exemplar); 6]);
    check(
        &[&histogram],
        &exemplars,
        r#"# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
# HELP wait_seconds Wait.
wait_seconds_bucket{endpoint="/",le="1e-05"} 0
wait_seconds_bucket{endpoint="/",le="0.005"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="0000000000bad1de"} 0.005 1700000000.012
wait_seconds_bucket{endpoint="/",le="1.0"} 2
wait_seconds_bucket{endpoint="/",le="10.0"} 2
wait_seconds_bucket{endpoint="/",le="2.5e+06"} 2
wait_seconds_bucket{endpoint="/",le="+Inf"} 2
wait_seconds_sum{endpoint="/"} 0.755
wait_seconds_count{endpoint="/"} 2
# EOF
"#,
    );
}

#[test]
fn a_sum_that_could_fall_is_left_out() {
    let opts = HistogramOpts::new("warmth", "Degrees.").buckets(vec![-1.0]);
    let histogram = prometheus::Histogram::with_opts(opts).unwrap();
    check_plain(
        &[&histogram],
        "# TYPE warmth histogram\n# HELP warmth Degrees.\nwarmth_bucket{le=\"-1.0\"} 0\n\
         warmth_bucket{le=\"+Inf\"} 0\nwarmth_count 0\n# EOF\n",
    );
}

#[test]
fn numbers_that_are_not_finite_are_spelled_as_the_format_wants() {
    let gauge = Gauge::new("level", "Level.").unwrap();
    for (value, expected) in [
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
        (-0.5, "-0.5"),
    ] {
        gauge.set(value);
        check_plain(
            &[&gauge],
            &format!("# TYPE level gauge\n# HELP level Level.\nlevel {expected}\n# EOF\n"),
        );
    }
}
