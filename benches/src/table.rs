//! The tables of the README, as Markdown.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;

use crate::contestants::{ALL, exporting};
use crate::measure::instructions::{Instructions, Sent};
use crate::measure::throughput::Throughput;
use crate::measure::{allocations, contention, export, instructions, throughput, time};

/// Everything, for these contestants, or for all when none is named.
///
/// # Panics
///
/// When there is no contestant of one of the names.
pub(crate) fn print(names: &[&str]) {
    for name in names {
        assert!(
            ALL.iter().any(|(known, _)| known == name),
            "`{name}` is no contestant; benches/README.md names them"
        );
    }
    conditions();
    contestants(names);
    if names.is_empty() {
        println!();
        nested();
        println!();
        others();
        println!();
        contended();
    }
}

fn conditions() {
    println!(
        "{}, {}, {}",
        run("date", &["-u", "+%Y-%m-%d"]),
        processor(),
        run("rustc", &["--version"])
    );
    println!("{}\n", versions());
}

/// Those that also write rows, so that what they do in the background is not only to send spans.
const WITH_ROWS: [&str; 2] = ["full-stack", "detective"];

/// One line for each contestant; all but the last three columns are over the bare application. Then one line for each
/// that sends spans.
pub(crate) fn contestants(names: &[&str]) {
    println!(
        "| | instructions, request thread | instructions, process | the same with OTLP | allocations, request thread \
         | allocations, process | ns | throughput | the same with OTLP | peak MB | dropped |\n\
         |---|---|---|---|---|---|---|---|---|---|---|"
    );
    let bare = Bare {
        instructions: instructions::count("bare"),
        allocations: allocations::measure("bare"),
    };
    let mut lines_with_otlp = Vec::new();
    for (name, title) in ALL {
        if !names.is_empty() && !names.contains(name) {
            continue;
        }
        let with_otlp = exporting(name).map(|exporting| WithOtlp::measure(&exporting, &bare));
        let (instructions_with_otlp, throughput_with_otlp) = match &with_otlp {
            Some(it) => (
                format!("{:.0}", it.process),
                format!("{:.2}", it.load.ratio),
            ),
            None => <_>::default(),
        };
        let instructions = instructions::count(name);
        let allocations = allocations::measure(name);
        let (nanos, nanos_of_bare) = time::measure(name);
        let load = throughput::measure(name);
        if *name == "bare" {
            println!(
                "| {title} | ({:.0}) | ({:.0}) | | ({:.0}) | ({:.0}) | ({nanos_of_bare:.0}) | ({:.0}/s) | | {:.0} | |",
                instructions.thread,
                instructions.process,
                allocations.0,
                allocations.1,
                load.bare_per_second,
                load.peak_memory
            );
        } else {
            println!(
                "| {title} | {:.0} | {:.0} | {instructions_with_otlp} | {:.1} | {:.1} | {nanos:.0} | {:.2} \
                 | {throughput_with_otlp} | {:.0} | {} |",
                instructions.thread - bare.instructions.thread,
                instructions.process - bare.instructions.process,
                allocations.0 - bare.allocations.0,
                allocations.1 - bare.allocations.1,
                load.ratio,
                load.peak_memory,
                load.dropped.map_or_else(String::new, |it| it.to_string())
            );
        }
        if let Some(with_otlp) = with_otlp {
            lines_with_otlp.push(with_otlp.line(name, title));
        }
        // What follows takes a while.
        let _shown = std::io::stdout().flush();
    }
    if !lines_with_otlp.is_empty() {
        println!(
            "\n| with OTLP | spans | bytes | spans of a batch | instructions, request thread | instructions, process \
             | background, instructions of a span | background, spans a second | allocations, request thread \
             | allocations, process | ns | throughput | peak MB | spans under load | arrived | dropped |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n{}",
            lines_with_otlp.join("\n")
        );
    }
}

/// What the others are over.
struct Bare {
    instructions: Instructions,
    allocations: (f64, f64),
}

/// What a contestant costs that sends its spans to a collector.
struct WithOtlp {
    sent: Sent,
    thread: f64,
    process: f64,
    instructions_of_span: f64,
    spans_a_second: f64,
    allocations: (f64, f64),
    nanos: f64,
    load: Throughput,
}

impl WithOtlp {
    fn measure(name: &str, bare: &Bare) -> Self {
        let instructions = instructions::count(name);
        let allocations = allocations::measure(name);
        let in_background = instructions.process - instructions.thread;
        Self {
            sent: instructions.sent,
            thread: instructions.thread - bare.instructions.thread,
            process: instructions.process - bare.instructions.process,
            instructions_of_span: in_background / instructions.sent.spans,
            spans_a_second: export::measure(name),
            allocations: (
                allocations.0 - bare.allocations.0,
                allocations.1 - bare.allocations.1,
            ),
            nanos: time::measure(name).0,
            load: throughput::measure(name),
        }
    }

    fn line(&self, name: &str, title: &str) -> String {
        let (of_span, a_second) = if WITH_ROWS.contains(&name) {
            <_>::default()
        } else {
            (
                format!("{:.0}", self.instructions_of_span),
                format!("{:.0}", self.spans_a_second),
            )
        };
        format!(
            "| {title} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {of_span} | {a_second} | {:.1} | {:.1} | {:.0} | {:.2} \
             | {:.0} | {:.0} | {} | {} |",
            self.sent.spans,
            self.sent.bytes,
            self.sent.batch,
            self.thread,
            self.process,
            self.allocations.0,
            self.allocations.1,
            self.nanos,
            self.load.ratio,
            self.load.peak_memory,
            self.load.handled as f64 * self.sent.spans,
            self.load.arrived,
            self.load
                .dropped
                .as_ref()
                .map_or_else(String::new, ToString::to_string)
        )
    }
}

/// What one more function inside the handler costs its thread: the slope between 10 and 100.
pub(crate) fn nested() {
    println!(
        "| nested functions, over bare | instructions with 1 | with 10 | with 100 | one more | allocations of one more \
         | ns of one more |\n|---|---|---|---|---|---|---|"
    );
    let scenarios = ["nested-1", "nested-10", "nested-100"];
    let bare = scenarios.map(|scenario| Of::count("bare", scenario));
    for name in ["fastrace", "detective-off", "detective-traces", "detective"] {
        let of = scenarios.map(|scenario| Of::count(name, scenario));
        let over = [0, 1, 2].map(|index| of[index].instructions - bare[index].instructions);
        let allocations = [1, 2].map(|index| of[index].allocations - bare[index].allocations);
        let nanos = [1, 2].map(|index| time::measure(&format!("{name}/{}", scenarios[index])).0);
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} | {:.0} |",
            over[0],
            over[1],
            over[2],
            (over[2] - over[1]) / 90.0,
            (allocations[1] - allocations[0]) / 90.0,
            (nanos[1] - nanos[0]) / 90.0
        );
    }
}

/// A thousand routes in turn, and bodies in a thousand chunks.
pub(crate) fn others() {
    println!(
        "| over bare | 1,000 routes: instructions | allocations | ns | 1,000 chunks: instructions of one | ns of one |\n\
         |---|---|---|---|---|---|"
    );
    let (routes, chunks) = (Of::count("bare", "routes"), Of::count("bare", "chunks"));
    for name in ["fastrace", "detective-off", "detective"] {
        let (routes_of, chunks_of) = (Of::count(name, "routes"), Of::count(name, "chunks"));
        println!(
            "| {name} | {:.0} | {:.1} | {:.0} | {:.1} | {:.1} |",
            routes_of.instructions - routes.instructions,
            routes_of.allocations - routes.allocations,
            time::measure(&format!("{name}/routes")).0,
            (chunks_of.instructions - chunks.instructions) / 1000.0,
            time::measure(&format!("{name}/chunks")).0 / 1000.0
        );
    }
}

/// Several threads at once.
pub(crate) fn contended() {
    let threads = [1, 2, 3];
    println!("| ns of a request, all of it | 1 thread | 2 | 3 | 2 to 1 |\n|---|---|---|---|---|");
    for name in [
        "bare",
        "prometheus",
        "fastrace",
        "opentelemetry",
        "detective-no-rows",
        "detective",
    ] {
        let of = threads.map(|threads| contention::measure(name, threads));
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} | {:.2} |",
            of[0],
            of[1],
            of[2],
            of[1] / of[0]
        );
    }
}

/// A contestant in a scenario.
struct Of {
    instructions: f64,
    allocations: f64,
}

impl Of {
    fn count(name: &str, scenario: &str) -> Self {
        let name = format!("{name}/{scenario}");
        Self {
            instructions: instructions::count(&name).thread,
            allocations: allocations::measure(&name).0,
        }
    }
}

/// The versions that were compared, from the lock file.
fn versions() -> String {
    const COMPARED: [&str; 13] = [
        "axum",
        "tower-http",
        "axum-prometheus",
        "autometrics",
        "axum-otel-metrics",
        "axum-tracing-opentelemetry",
        "tracing-opentelemetry",
        "fastrace",
        "fastrace-axum",
        "opentelemetry-otlp",
        "opentelemetry_sdk",
        "prometheus",
        "sqlx",
    ];
    // Of several versions the last is the newest, and is the one that the contestants use.
    let mut versions = BTreeMap::new();
    for package in include_str!("../Cargo.lock").split("[[package]]") {
        let value = |key: &str| {
            let line = package
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.map(|value| value.trim_matches('"'))
        };
        if let (Some(name), Some(version)) = (value("name"), value("version"))
            && COMPARED.contains(&name)
        {
            versions.insert(name, version);
        }
    }
    let versions: Vec<_> = versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    versions.join(", ")
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |(_, model)| model.to_owned(),
    )
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| String::new(),
        |it| String::from_utf8_lossy(&it.stdout).trim().to_owned(),
    )
}
