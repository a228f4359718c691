//! `/analytics`: questions about the rows, answered as JSON, and who may ask them.

mod access;
mod endpoint;
mod error;
mod health;
mod metrics;
mod range;
mod routes;
#[cfg(all(test, feature = "sqlite"))]
mod tests;

pub(crate) use access::Access;
pub(crate) use health::{ConfigHealth, HealthSnapshot, Mode};
pub(crate) use routes::{Analytics, routes};
