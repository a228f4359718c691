//! Waits for other processes.

use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::time::sleep;

/// How long anything may take before a test gives up: generous, since a busy machine with two cores
/// is not a failure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(25);

/// Repeats `attempt` until it succeeds, and returns its result.
///
/// # Panics
///
/// After [`PATIENCE`], with `what` and the error of the last attempt.
pub async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) if began.elapsed() > PATIENCE => {
                panic!("waited {PATIENCE:?} for {what}; last seen: {error}")
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// The client for requests to the servers. It keeps no connections: a server may be restarted, and
/// a test's runtime may end before its servers do.
pub(crate) fn client() -> Client {
    let client = Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(PATIENCE)
        .build();
    client.expect("a client without TLS needs nothing of the system")
}
