use detective::investigate;

struct Store;

#[investigate]
impl Store {
    pub const fn find() -> i64 {
        1
    }
}

fn main() {}
