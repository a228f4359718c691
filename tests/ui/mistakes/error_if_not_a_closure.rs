use detective::investigate;

#[investigate(error_if = true)]
fn find() {}

fn main() {}
