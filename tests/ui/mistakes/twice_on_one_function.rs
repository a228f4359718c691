use detective::investigate;

#[investigate]
#[investigate]
fn find() {}

fn main() {}
