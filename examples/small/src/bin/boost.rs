//! Shows: a boost. While you look for a fault, a rule for one route is put above all others. It ends by itself.
//!
//! ```console
//! $ cargo run -p small --bin boost
//! $ curl http://127.0.0.1:8000/analytics/boost --json '{"route": "/search", "sample": 1.0, "for": "5m"}'
//! $ curl http://127.0.0.1:8000/search
//! $ curl http://127.0.0.1:8000/analytics/boost
//! $ curl -X DELETE http://127.0.0.1:8000/analytics/boost
//! ```

use std::error::Error;

use axum::{Router, routing::get};
use detective::{Detective, investigate};

#[investigate]
async fn search() -> String {
    // Another service reads in the trace whether it is kept.
    match detective::trace_id() {
        Some(id) => format!("found nothing, trace {id}"),
        None => "found nothing".to_owned(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Normally one trace of a thousand is kept. That is too few to find a fault that happens now.
    let detective = Detective::builder()
        .set("tracing.sample", 0.001)
        .start()
        .await?;
    let app = Router::new().route("/search", get(search));
    detective.serve(small::listen().await?, app).await?;
    Ok(())
}
