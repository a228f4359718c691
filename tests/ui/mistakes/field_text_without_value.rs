use detective::investigate;

#[investigate(fields("user.id"))]
fn find() {}

fn main() {}
