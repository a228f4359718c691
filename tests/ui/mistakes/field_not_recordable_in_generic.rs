use detective::investigate;

#[investigate(fields(value))]
fn find<T>(value: T) -> T {
    value
}

fn main() {}
