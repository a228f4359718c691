use detective::investigate;

#[investigate]
unsafe fn find() -> i64 {
    1
}

fn main() {}
