use detective::investigate;

#[investigate(record = "no")]
fn find() {}

fn main() {}
