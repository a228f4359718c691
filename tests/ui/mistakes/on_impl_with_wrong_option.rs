use detective::investigate;

struct Store;

#[investigate(sample = 2)]
impl Store {
    pub fn find() {}

    pub fn count() {}
}

fn main() {}
