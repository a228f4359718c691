use detective::investigate;

#[investigate]
use std::fmt::Debug;

fn main() {}
