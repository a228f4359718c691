use detective::investigate;

#[investigate(fields(id, id = id + 1))]
fn find(id: i64) -> i64 {
    id
}

fn main() {}
