//! Shows: Redis commands as spans of the request, and the cache that several processes share.
//!
//! ```console
//! $ redis-server --port 6379 &
//! $ cargo run -p small --bin redis
//! $ curl http://127.0.0.1:8000/visits
//! $ curl http://127.0.0.1:8000/stock
//! ```

use std::{convert::Infallible, env, error::Error, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use detective::{Detective, Handle, client::redis::Connection, investigate};
use redis::{AsyncCommands, aio::MultiplexedConnection};

#[investigate]
async fn visits(
    State(mut redis): State<Connection<MultiplexedConnection>>,
) -> Result<String, StatusCode> {
    let visits: u64 = redis
        .incr("visits", 1)
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(format!("{visits} visits"))
}

// While Redis is unreachable, the cache computes each value anew.
#[investigate]
async fn stock(State(handle): State<Handle>) -> Result<String, Infallible> {
    let count = async || Ok::<u32, Infallible>(12);
    let stock = handle
        .cache()
        .get_or_compute("stock", Duration::from_secs(60), count)
        .await?;
    Ok(format!("{stock} in stock"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    let client = redis::Client::open(url.as_str())?;
    let connection = client.get_multiplexed_async_connection().await?;
    let connection = Connection::new(connection, client.get_connection_info());

    let detective = Detective::builder().set("cache.url", url).start().await?;
    let app = Router::new()
        .route("/visits", get(visits).with_state(connection))
        .route("/stock", get(stock).with_state(detective.handle()));
    detective.serve(small::listen().await?, app).await?;
    Ok(())
}
