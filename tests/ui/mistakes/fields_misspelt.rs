use detective::investigate;

#[investigate(feilds(id))]
fn find(id: i64) -> i64 {
    id
}

fn main() {}
