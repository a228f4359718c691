use detective::investigate;

#[investigate]
async fn find() -> i64 {
    "1".parse::<i64>()?
}

fn main() {}
