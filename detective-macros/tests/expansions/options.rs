#[investigate(slow = "1.5s", sample = 0.1, record = false, buckets = [0.1, 1, 2.5], error_if = |answer| answer.is_err())]
fn find_toy() -> Result<Toy, NoToy> {
    Err(NoToy)
}
