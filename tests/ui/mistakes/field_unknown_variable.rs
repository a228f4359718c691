use detective::investigate;

#[investigate(fields(user_idd))]
async fn find(user_id: i64) -> i64 {
    user_id
}

fn main() {}
