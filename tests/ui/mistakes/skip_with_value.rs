use detective::investigate;

struct Store;

#[investigate]
impl Store {
    #[investigate(skip = true)]
    pub fn find() {}
}

fn main() {}
