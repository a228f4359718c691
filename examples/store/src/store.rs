//! What all handlers share.

use std::sync::Arc;
use std::time::Duration;

use detective::Handle;
use detective::client::http::Tracing;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::database::Database;

/// How long the store waits for another service.
const HTTP_TIMEOUT: Duration = Duration::from_secs(5);

/// The axum state. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub database: Database,
    /// The client for calls to other services. It sends the trace on to them.
    pub http: ClientWithMiddleware,
    /// The URL of the user service. In this example, it is the store itself.
    pub user_service: Arc<str>,
    /// The handle of Detective, for its cache. What a handler says about its request needs no handle.
    pub detective: Handle,
}

impl Store {
    pub fn new(
        database: Database,
        user_service: &str,
        detective: Handle,
    ) -> Result<Self, reqwest::Error> {
        // The user service is on this machine, so no proxy is needed.
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
