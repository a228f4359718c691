use detective::investigate;

#[investigate(span)]
fn find() {}

fn main() {}
