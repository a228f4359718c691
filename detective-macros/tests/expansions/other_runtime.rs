#[investigate(crate = crate::observability::detective, sample = 1)]
fn find_toy() {}
