use detective::investigate;

#[investigate(histogram = 0)]
fn find() {}

fn main() {}
