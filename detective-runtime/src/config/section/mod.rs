//! The keys of `detective.toml`, one file for each section.

mod admin;
mod analytics;
mod cache;
mod capture;
mod http;
mod jaeger;
mod metrics;
mod pipeline;
mod rule;
mod service;
mod store;
mod tracing;

pub use admin::Admin;
pub use analytics::Analytics;
pub use cache::Cache;
pub use capture::{Capture, ClientAddress};
pub use http::{Http, Watch};
pub use jaeger::{Compression, Jaeger, Protocol};
pub use metrics::{Metrics, Naming};
pub use pipeline::Pipeline;
pub use rule::Rule;
pub use service::Service;
pub use store::Store;
pub use tracing::Tracing;
