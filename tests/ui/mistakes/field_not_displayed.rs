use detective::investigate;

#[derive(Debug)]
struct Shown;

#[investigate(fields(%shown))]
async fn find(shown: Shown) {
    drop(shown);
}

fn main() {}
