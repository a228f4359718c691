//! Detective.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub)] // while the parts are being put together

mod analytics;
mod cache;
pub mod client;
pub mod config;
mod export;
mod metrics;
mod store;
mod trace;
mod value;
mod capture;
mod outcome;
#[doc(hidden)] pub mod __private { pub use crate::capture::*; pub use crate::outcome::*; pub use crate::__detective_error_text as error_text; }
