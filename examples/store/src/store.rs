//! What every handler shares.

use std::sync::Arc;
use std::time::Duration;

use detective::Handle;
use detective::client::http::Tracing;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::database::Database;

/// How long the store waits for an answer of another service.
const HTTP_TIMEOUT: Duration = Duration::from_secs(5);

/// The axum state; a cheap clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub database: Database,
    /// For calls to other services; carries the trace on to them.
    pub http: ClientWithMiddleware,
    /// The service that knows the users: in this small town, the store itself.
    pub user_service: Arc<str>,
    /// The cache, and words of our own for the record of a request.
    pub detective: Handle,
}

impl Store {
    pub fn new(
        database: Database,
        user_service: &str,
        detective: Handle,
    ) -> Result<Self, reqwest::Error> {
        // The user service is near; a proxy for the wide world would not find it.
        let http = reqwest::Client::builder()
            .timeout(HTTP_TIMEOUT)
            .no_proxy()
            .build()?;
        Ok(Self {
            database,
            http: ClientBuilder::new(http).with(Tracing::new()).build(),
            user_service: user_service.into(),
            detective,
        })
    }
}
