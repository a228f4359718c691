use detective::investigate;

#[investigate(slow = "250 millis")]
fn find() {}

fn main() {}
