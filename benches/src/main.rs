//! Detective beside other libraries: the same application, instrumented in turn by each.
//!
//! `cargo run --release --manifest-path benches/Cargo.toml` prints the whole table, and needs valgrind, wrk and
//! taskset. `-- table detective fastrace` prints some lines of it, `-- instructions detective+otlp` only what callgrind
//! counts, `-- check` fails when that has grown, and `-- drive detective+otlp 20` is what to put under a profiler.

mod allocations;
#[macro_use]
mod app;
mod check;
mod collector;
mod contestants;
mod driver;
mod measure;
mod table;

use std::process::ExitCode;

use allocations::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["check"] => return check::check(),
        [] => table::print(&[]),
        ["table", ref names @ ..] => table::print(names),
        ["nested"] => table::nested(),
        ["others"] => table::others(),
        ["contended"] => table::contended(),
        ["instructions", ref names @ ..] => {
            for name in names {
                let counted = measure::instructions::count(name);
                println!(
                    "{name}: thread {:.0}, process {:.0}, {:.0} spans in {:.0} bytes",
                    counted.thread, counted.process, counted.sent.spans, counted.sent.bytes
                );
            }
        }
        // What the table starts in processes of their own.
        ["drive", name, rounds] => block_on(async {
            let mut contestant = contestants::build(name).await;
            let requests = (number(rounds) * contestant.round) as f64;
            if let Some(arrived) = driver::drive(&mut contestant, number(rounds)).await {
                let each = |count: u64| count as f64 / requests;
                println!(
                    "{:.2} {:.1} {:.0}",
                    each(arrived.spans),
                    each(arrived.bytes),
                    arrived.spans as f64 / arrived.exports as f64
                );
            }
        }),
        ["collector"] => block_on(collector::run()),
        ["losses", name] => block_on(measure::losses::run(name)),
        ["export", name] => block_on(measure::export::run(name)),
        ["allocations", name] => block_on(measure::allocations::run(name)),
        ["time", name] => block_on(measure::time::run(name)),
        ["contention", name, threads] => block_on(measure::contention::run(name, number(threads))),
        ["serve", name] => block_on(measure::throughput::serve(name)),
        _ => panic!("unknown arguments {arguments:?}; see the head of benches/src/main.rs"),
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> usize {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` is no number"))
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system has room for a runtime")
        .block_on(work);
}
