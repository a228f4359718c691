use detective::investigate;

#[investigate(buckets = [])]
fn find() {}

fn main() {}
