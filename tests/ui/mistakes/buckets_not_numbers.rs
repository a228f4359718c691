use detective::investigate;

#[investigate(buckets = [0.1, "0.2", 0.3])]
fn find() {}

fn main() {}
