use detective::investigate;

#[investigate(crate = observability)]
fn find() {}

fn main() {}
