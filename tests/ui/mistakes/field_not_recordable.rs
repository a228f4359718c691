use detective::investigate;

struct Opaque;

#[investigate(fields(opaque))]
async fn find(opaque: Opaque) {
    drop(opaque);
}

fn main() {}
