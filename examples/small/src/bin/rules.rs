//! Shows: rules in the settings decide what is recorded, for each route and function. The code stays as it is.
//!
//! The rules are in `rules.toml`, beside `Cargo.toml`. Change one while the program runs: it is in force within two
//! seconds.
//!
//! ```console
//! $ cargo run -p small --bin rules
//! $ curl http://127.0.0.1:8000/clock
//! $ curl http://127.0.0.1:8000/report
//! $ curl http://127.0.0.1:8000/analytics/investigations
//! ```

use std::error::Error;

use axum::{Router, routing::get};
use detective::{Detective, investigate};

#[investigate]
async fn clock() -> &'static str {
    "noon"
}

#[investigate]
async fn report() -> String {
    format!("{} is the sum", add_up(1000))
}

#[investigate]
fn add_up(numbers: u64) -> u64 {
    (1..=numbers).sum()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Without this line the program looks for a `detective.toml` in the working directory and its parents.
    let builder =
        Detective::builder().config_file(concat!(env!("CARGO_MANIFEST_DIR"), "/rules.toml"));
    let detective = builder.start().await?;
    let app = Router::new()
        .route("/clock", get(clock))
        .route("/report", get(report));
    detective.serve(small::listen().await?, app).await?;
    Ok(())
}
