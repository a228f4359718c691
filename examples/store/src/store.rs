//! The state that all handlers share.

use std::sync::Arc;
use std::time::Duration;

use detective::Handle;
use detective::client::http::Tracing;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::database::Database;

/// How long the store waits for a response of another service.
const HTTP_TIMEOUT: Duration = Duration::from_secs(5);

/// The axum state. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    pub database: Database,
    /// For requests to other services. It sends the trace context along.
    pub http: ClientWithMiddleware,
    /// The service that knows the users: in this small town, the store itself.
    pub user_service: Arc<str>,
    /// For the cache. What a handler says about its request needs no handle.
    pub detective: Handle,
}

impl Store {
    pub fn new(
        database: Database,
        user_service: &str,
        detective: Handle,
    ) -> Result<Self, reqwest::Error> {
        // The user service is local; a proxy for outside addresses would not find it.
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
