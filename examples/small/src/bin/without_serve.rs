//! Shows: a program that serves by itself and takes the parts of Detective one by one.
//!
//! ```console
//! $ cargo run -p small --bin without_serve
//! $ curl http://127.0.0.1:8000/
//! ```

use std::{error::Error, net::SocketAddr};

use axum::{Router, routing::get};
use detective::{Detective, investigate};

#[investigate]
async fn home() -> &'static str {
    "home"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let detective = Detective::start().await?;
    let app = Router::new().route("/", get(home));
    // `serve` does this by itself: warns of rules that match no route or function.
    detective.check(&app)?;
    // Last of all layers, so that it sees what they answer. It adds `/metrics` and `/analytics`, too.
    let app = detective.watch(app);

    // Without the peer's address, the pages refuse everybody who has no token.
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(small::listen().await?, service)
        .with_graceful_shutdown(small::stop())
        .await?;
    // Writes what is still in memory, and says what was lost.
    detective.shutdown().await?;
    Ok(())
}
