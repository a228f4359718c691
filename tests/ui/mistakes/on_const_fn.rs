use detective::investigate;

#[investigate]
const fn find() -> i64 {
    1
}

fn main() {}
