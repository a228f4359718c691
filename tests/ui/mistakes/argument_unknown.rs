use detective::investigate;

#[investigate(colour = "red")]
fn find() {}

fn main() {}
