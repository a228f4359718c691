use detective::investigate;

#[investigate(buckets = 0.1)]
fn find() {}

fn main() {}
