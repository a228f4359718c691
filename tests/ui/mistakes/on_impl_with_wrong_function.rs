use detective::investigate;

struct Store;

#[investigate]
impl Store {
    #[investigate(sampel = 1)]
    pub fn find() {}

    #[investigate(fields(id))]
    #[investigate]
    pub fn count(id: i64) -> i64 {
        id
    }
}

fn main() {}
