use detective::investigate;

trait Store {
    #[investigate]
    async fn find(&self);
}

fn main() {}
