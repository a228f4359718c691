use detective::investigate;

#[investigate(fields(length = ))]
fn find() {}

fn main() {}
