//! tower-http's `TraceLayer`: a span and two events for each request, formatted as its users' logs are, and written to
//! nowhere.

use axum::Router;
use axum::routing::get;
use tower_http::trace::TraceLayer;
use tracing::Level;

use crate::app::{ROUTE, get_toy};
use crate::contestants::Contestant;

pub(super) fn build() -> Contestant {
    tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_writer(std::io::sink)
        .init();
    Contestant::new(
        Router::new()
            .route(ROUTE, get(get_toy))
            .layer(TraceLayer::new_for_http()),
    )
}
