use detective::investigate;

#[investigate(fields(name.len()))]
fn find(name: &str) -> bool {
    name.is_empty()
}

fn main() {}
