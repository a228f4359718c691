use detective::investigate;

#[investigate(skip(id), skip_all, err, ret, level = "debug")]
fn find(id: i64) -> i64 {
    id
}

fn main() {}
