//! The service for the W3C's own trace context suite:
//!
//! ```text
//! cargo run -p detective-tests --example trace_context_service
//! SPEC_LEVEL=2 STRICT_LEVEL=2 python test.py http://127.0.0.1:5000/test
//! ```
//!
//! Another address can be given as the first argument. `tests/trace_context.rs` contains the same
//! cases as ordinary tests.

use detective::Detective;
use detective_tests::relay;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:5000".into());
    let detective = Detective::start().await?;
    detective.serve(address.as_str(), relay()).await?;
    Ok(())
}
