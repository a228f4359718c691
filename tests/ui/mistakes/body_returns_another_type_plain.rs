use detective::investigate;

#[investigate]
fn find() -> i64 {
    "one"
}

fn main() {}
