use detective::investigate;

struct Store;

#[investigate(name = "store")]
impl Store {
    pub fn find() {}
}

fn main() {}
