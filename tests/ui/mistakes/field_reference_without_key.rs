use detective::investigate;

#[investigate(fields(&name))]
fn find(name: &str) -> bool {
    name.is_empty()
}

fn main() {}
