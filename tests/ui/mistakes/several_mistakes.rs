use detective::investigate;

#[investigate(nam = "find", fields(id, id), sample = 2, slow, crate = "x")]
async fn find(id: i64) -> i64 {
    id
}

fn main() {}
