use detective::investigate;

#[investigate(name = "a", name = "b")]
fn find() {}

fn main() {}
