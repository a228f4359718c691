//! `/analytics`: queries over the rows, answered as JSON, and who has access to them.

mod access;
mod admin;
mod boosts;
mod endpoint;
mod error;
mod health;
mod investigations;
mod metrics;
mod range;
mod routes;
#[cfg(all(test, feature = "sqlite"))]
mod tests;

pub(crate) use access::Access;
pub(crate) use admin::Admin;
pub(crate) use boosts::boost_routes;
pub(crate) use health::{HealthSnapshot, Mode};
pub(crate) use investigations::investigation_routes;
pub(crate) use routes::{Analytics, routes};
