#![deny(warnings)]

use detective::investigate;

#[investigate]
pub async fn find(unused: i64) -> i64 {
    let kept = 1;
    return 2;
}

fn main() {}
