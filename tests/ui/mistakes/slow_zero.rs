use detective::investigate;

#[investigate(slow = "0s")]
fn find() {}

fn main() {}
