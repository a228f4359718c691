use detective::investigate;

#[investigate(fields = id)]
fn find(id: i64) -> i64 {
    id
}

fn main() {}
