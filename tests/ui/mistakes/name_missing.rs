use detective::investigate;

#[investigate(name = )]
fn find() {}

fn main() {}
