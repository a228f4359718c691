use detective::investigate;

#[investigate(naem = "find")]
fn find() {}

fn main() {}
