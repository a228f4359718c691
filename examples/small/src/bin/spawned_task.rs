//! Shows: work in a task of its own stays in the trace of the request that started it.
//!
//! ```console
//! $ cargo run -p small --bin spawned_task
//! $ curl -X POST http://127.0.0.1:8000/orders
//! ```

use std::{error::Error, time::Duration};

use axum::{Router, http::StatusCode, routing::post};
use detective::{Detective, InCurrentContext, investigate};

#[investigate]
async fn order() -> (StatusCode, String) {
    // The answer does not wait for the task. Without `in_current_context` the receipt would be a trace of its own.
    tokio::spawn(send_receipt().in_current_context());
    (
        StatusCode::ACCEPTED,
        detective::trace_id().unwrap_or_default(),
    )
}

#[investigate]
async fn send_receipt() {
    tokio::time::sleep(Duration::from_millis(20)).await;
    detective::set_field("pages", 1);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let detective = Detective::start().await?;
    let app = Router::new().route("/orders", post(order));
    detective.serve(small::listen().await?, app).await?;
    Ok(())
}
