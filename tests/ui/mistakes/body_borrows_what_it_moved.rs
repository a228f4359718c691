use detective::investigate;

#[investigate(fields(name))]
async fn find(name: String) -> usize {
    drop(name);
    name.len()
}

fn main() {}
