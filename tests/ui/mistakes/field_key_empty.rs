use detective::investigate;

#[investigate(fields("" = 1))]
fn find() {}

fn main() {}
