use detective::investigate;

#[investigate]
extern "C" fn find() -> i64 {
    1
}

fn main() {}
