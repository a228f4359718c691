use detective::investigate;

#[investigate(sample = 10)]
fn find() {}

fn main() {}
