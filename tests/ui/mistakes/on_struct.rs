use detective::investigate;

#[investigate]
struct Store;

fn main() {}
