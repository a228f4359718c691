//! Detective beside other libraries: the same route, instrumented in turn by each.

mod allocations;
mod app;
mod contestants;
mod driver;
mod measure;

use allocations::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["drive", name, rounds] => {
            let rounds = rounds.parse().expect("the number of rounds is a number");
            block_on(async {
                let mut contestant = contestants::build(name).await;
                driver::drive(&mut contestant, rounds).await;
            });
        }
        ["allocations", name] => block_on(measure::allocations::run(name)),
        ["instructions", ref names @ ..] => {
            for name in names {
                let counted = measure::instructions::count(name);
                println!("{name}: thread {:.0}, process {:.0}", counted.thread, counted.process);
            }
        }
        _ => panic!("unknown command: {arguments:?}"),
    }
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system has room for a runtime")
        .block_on(work);
}
