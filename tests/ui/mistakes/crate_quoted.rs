use detective::investigate;

#[investigate(crate = "detective")]
fn find() {}

fn main() {}
