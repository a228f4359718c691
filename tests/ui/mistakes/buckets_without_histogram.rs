use detective::investigate;

#[investigate(histogram = false, buckets = [0.1])]
fn find() {}

fn main() {}
