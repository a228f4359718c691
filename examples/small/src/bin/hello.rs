//! Shows: the smallest program. One attribute, no settings.
//!
//! ```console
//! $ cargo run -p small --bin hello
//! $ curl http://127.0.0.1:8000/hello/ada
//! $ curl http://127.0.0.1:8000/analytics/metrics
//! ```

use std::error::Error;

use axum::{Router, extract::Path, routing::get};
use detective::{Detective, investigate};

// The name is recorded because it is named here. No other argument is.
#[investigate(fields(name))]
async fn hello(Path(name): Path<String>) -> String {
    format!("hello {name}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let detective = Detective::start().await?;
    let app = Router::new().route("/hello/{name}", get(hello));
    // An address does, too: `serve("127.0.0.1:8000", app)`.
    detective.serve(small::listen().await?, app).await?;
    Ok(())
}
