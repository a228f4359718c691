//! Detective is a declarative observability framework for axum.
//!
//! Put `#[investigate]` on your handlers and keep a `detective.toml` beside your `Cargo.toml`.
//! Detective then records each request as a trace in Jaeger, as metrics on `/metrics`, and as a row of
//! `api_metrics`, which the routes under `/analytics` read.
//!
//! ```no_run
//! use axum::{Router, extract::Path, routing::get};
//! use detective::{Detective, investigate};
//!
//! #[investigate(fields(name))]
//! async fn greet(Path(name): Path<String>) -> String {
//!     format!("hello {name}")
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let detective = Detective::start().await?; // reads detective.toml, DETECTIVE_* and OTEL_*
//!     let app = Router::new().route("/greet/{name}", get(greet));
//!     detective.serve("127.0.0.1:8000", app).await?; // until ctrl-c or SIGTERM
//!     Ok(())
//! }
//! ```
//!
//! # The parts
//!
//! - [`investigate`] marks a function. [`Detective`] is the running system. [`Handle`] gives handlers
//!   access to the cache.
//! - Call [`set_field`], [`mark_error`], [`set_consumer`], [`start_span`] and [`trace_id`] inside
//!   functions. They find the current request and the current span by themselves.
//! - [`Detective::serve`] does everything. Larger programs use its parts: [`Detective::layer`],
//!   [`Detective::routes`], [`Detective::watch`] and [`Detective::shutdown`].
//! - [`client`] adds outgoing HTTP, SQL and Redis calls to the trace. [`InCurrentContext`] does the
//!   same for spawned tasks.
//! - [`config`] has every setting with its default. The settings decide what is recorded for which
//!   route and function.
//! - [`testing`] keeps spans, rows and metrics in memory, for assertions in tests.
//!
//! # Changes at run time
//!
//! Detective applies a changed `detective.toml` within two seconds, after a SIGHUP, or when you call
//! [`Detective::reload`]. If the file has a mistake, nothing changes. `/analytics/investigations` shows
//! the settings in force for each function, and which line decided each of them. A POST to
//! `/analytics/boost` adds a temporary rule, which wins over all others.
//!
//! # Shutdown
//!
//! [`Detective::serve`] and [`Detective::shutdown`] flush everything and report what was lost. If you
//! drop a [`Detective`] instead, it writes and exports for at most two seconds.
//!
//! # Cost
//!
//! Recording a request does no I/O, takes no lock and formats nothing. One background thread does the
//! slow work. After a warm-up, an ordinary request makes three more allocations than it does without
//! Detective; any layer makes two of them. A body of unknown length, the text of an error and forwarded
//! addresses make more. The README has the figures of the benchmark in `benches/`, which also measures
//! other libraries.

#![cfg_attr(docsrs, feature(doc_cfg))]

// The floors, from the ground up: each uses only what stands before it.
mod clock;
mod propagation;
mod tls;
mod value;

pub mod config;

mod attribute;
mod metrics;

mod export;
mod rules;

mod record;
mod survey;

mod reload;
mod store;
mod trace;

pub mod client;
mod encode;
mod http;

mod cache;

mod error;

mod pipeline;

mod analytics;

mod lifecycle;

pub mod testing;

mod command;

#[doc(hidden)]
pub mod __private;

pub use crate::cache::{Cache, CacheError};
pub use crate::command::IntoApp;
pub use crate::error::{ServeError, ShutdownError, ShutdownFailure, StartError};
pub use crate::export::ExportError;
pub use crate::http::{DetectiveLayer, DetectiveService, ResponseFuture};
pub use crate::lifecycle::{Builder, Detective, Handle, InScope, Listen};
pub use crate::store::StoreError;
pub use crate::trace::{
    InContext, InCurrentContext, ManualSpan, mark_error, set_consumer, set_field, start_span,
    trace_id,
};
pub use crate::value::Value;
#[doc = include_str!("attribute/investigate.md")]
pub use detective_macros::investigate;
