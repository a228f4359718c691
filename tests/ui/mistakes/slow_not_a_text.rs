use detective::investigate;

#[investigate(slow = 250)]
fn find() {}

fn main() {}
