//! Detective.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub)] // while the parts are being put together

mod analytics;
mod cache;
mod client;
mod config;
mod export;
mod metrics;
mod store;
mod trace;
mod value;
