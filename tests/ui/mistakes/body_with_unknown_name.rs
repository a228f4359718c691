use detective::investigate;

#[investigate]
async fn find(user_id: i64) -> i64 {
    user_idd
}

fn main() {}
