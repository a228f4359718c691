use detective::investigate;

#[investigate(skip)]
fn find() {}

fn main() {}
