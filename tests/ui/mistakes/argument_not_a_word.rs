use detective::investigate;

#[investigate("find")]
fn find() {}

fn main() {}
