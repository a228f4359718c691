use detective::investigate;

struct Store;

#[investigate]
impl Store {
    #[investigate = "find"]
    pub fn find() {}
}

fn main() {}
