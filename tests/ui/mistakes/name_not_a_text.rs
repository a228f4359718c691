use detective::investigate;

#[investigate(name = find)]
fn find() {}

fn main() {}
