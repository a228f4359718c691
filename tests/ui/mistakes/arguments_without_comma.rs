use detective::investigate;

#[investigate(name = "a" record = false)]
fn find() {}

fn main() {}
