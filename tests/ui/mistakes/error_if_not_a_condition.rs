use detective::investigate;

#[investigate(error_if = |id| *id)]
fn find() -> i64 {
    1
}

fn main() {}
