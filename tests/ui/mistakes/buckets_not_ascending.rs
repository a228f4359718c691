use detective::investigate;

#[investigate(buckets = [0.1, 0.5, 0.25])]
fn find() {}

fn main() {}
