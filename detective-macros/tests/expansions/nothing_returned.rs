#[investigate()]
async fn wake() {}
