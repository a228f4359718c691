//! The tables of the README, as Markdown.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;

use crate::contestants::ALL;
use crate::measure::{allocations, contention, instructions, throughput, time};

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

/// One line for each contestant; all but the last three columns are over the bare application.
pub(crate) fn contestants(names: &[&str]) {
    println!(
        "| | instructions, request thread | instructions, process | allocations, request thread | allocations, process \
         | ns | throughput | peak MB | dropped |\n|---|---|---|---|---|---|---|---|---|"
    );
    let bare_instructions = instructions::count("bare");
    let bare_allocations = allocations::measure("bare");
    for (name, title) in ALL {
        if !names.is_empty() && !names.contains(name) {
            continue;
        }
        let instructions = instructions::count(name);
        let allocations = allocations::measure(name);
        let (nanos, nanos_of_bare) = time::measure(name);
        let load = throughput::measure(name);
        if *name == "bare" {
            println!(
                "| {title} | ({:.0}) | ({:.0}) | ({:.0}) | ({:.0}) | ({nanos_of_bare:.0}) | ({:.0}/s) | {:.0} | |",
                instructions.thread,
                instructions.process,
                allocations.0,
                allocations.1,
                load.bare_per_second,
                load.peak_memory
            );
        } else {
            let dropped = load
                .dropped
                .map_or_else(String::new, |dropped| dropped.to_string());
            println!(
                "| {title} | {:.0} | {:.0} | {:.1} | {:.1} | {nanos:.0} | {:.2} | {:.0} | {dropped} |",
                instructions.thread - bare_instructions.thread,
                instructions.process - bare_instructions.process,
                allocations.0 - bare_allocations.0,
                allocations.1 - bare_allocations.1,
                load.ratio,
                load.peak_memory
            );
        }
        // What follows takes a while.
        let _shown = std::io::stdout().flush();
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
    const COMPARED: [&str; 12] = [
        "axum",
        "tower-http",
        "axum-prometheus",
        "autometrics",
        "axum-otel-metrics",
        "axum-tracing-opentelemetry",
        "tracing-opentelemetry",
        "fastrace",
        "fastrace-axum",
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
