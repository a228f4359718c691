use detective::investigate;

#[investigate]
async fn find() -> i64 {
    "one"
}

fn main() {}
