//! Detective.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub)] // while the parts are being put together

mod admin;
mod analytics;
mod builder;
mod cache;
mod callsite;
mod capture;
pub mod client;
mod clock;
pub mod config;
mod detective;
mod error;
mod export;
mod handle;
mod http;
mod instance;
mod metrics;
mod options;
mod outcome;
mod pipeline;
mod record;
mod rules;
mod serve;
mod store;
pub mod testing;
mod trace;
mod value;

#[doc(hidden)]
pub mod __private;

pub use self::http::{DetectiveLayer, DetectiveService, ResponseFuture};
pub use builder::Builder;
pub use cache::{Cache, CacheError};
pub use detective::Detective;
pub use detective_macros::investigate;
pub use error::{ServeError, ShutdownError, StartError};
pub use handle::{Handle, ManualSpan};
pub use serve::Listen;
pub use trace::InCurrentContext;
pub use value::Value;
