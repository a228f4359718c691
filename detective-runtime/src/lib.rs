//! Declarative observability for axum: one attribute, one TOML file, and the service explains
//! itself.
//!
//! Write `#[investigate]` on the handlers, keep a `detective.toml` beside `Cargo.toml`, and every
//! request leaves a trace in Jaeger, moves a counter and a latency histogram on `/metrics`, and
//! becomes a row of `api_metrics`, from which `/analytics` answers.
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
//!     let detective = Detective::start().await?; // detective.toml, DETECTIVE_*, OTEL_*
//!     let app = Router::new().route("/greet/{name}", get(greet));
//!     detective.serve("127.0.0.1:8000", app).await?; // watch, serve, flush on ctrl-c or SIGTERM
//!     Ok(())
//! }
//! ```
//!
//! # The parts
//!
//! - [`investigate`] marks a function; [`Detective`] is the running system; [`Handle`] is what
//!   handlers use of it: the cache.
//! - [`set_field`], [`mark_error`], [`set_consumer`], [`start_span`] and [`trace_id`] are for the
//!   bodies of functions: they find the request and the span that they are called in.
//! - [`Detective::serve`] does everything. Larger programs take its parts: [`Detective::layer`],
//!   [`Detective::routes`], [`Detective::watch`] and [`Detective::shutdown`].
//! - [`client`] makes outgoing HTTP, SQL and Redis calls part of the trace;
//!   [`InCurrentContext`] does so for spawned tasks.
//! - [`config`] holds every setting with its default; what is recorded for which route and function
//!   is decided there.
//! - [`testing`] keeps spans, rows and metrics in memory, to assert on.
//!
//! # Changes while it runs
//!
//! A changed `detective.toml` is taken up within two seconds, on SIGHUP, or by
//! [`Detective::reload`], unless something in it is wrong. `/analytics/investigations` tells what is
//! in force for each function and which line decided it; a POST to `/analytics/boost` lays a rule over
//! everything for a while.
//!
//! # Shutdown
//!
//! [`Detective::serve`] and [`Detective::shutdown`] flush everything and report what was lost.
//! Dropping a [`Detective`] waits two seconds at most for what is under way.
//!
//! # Cost
//!
//! To be recorded, a request does no I/O, takes no lock and formats nothing; what takes time happens on
//! one thread of its own. Once warm, an ordinary request makes three allocations more than without
//! Detective, two of which any layer costs; a body of unknown length, an error's text and forwarded
//! addresses add to that. The README shows what the benchmark in `benches/` measures beside other
//! libraries.

#![cfg_attr(docsrs, feature(doc_cfg))]

// The floors, from the ground up: each uses only what stands before it.
mod clock;
pub mod config;
mod tls;
mod value;

mod attribute;
mod metrics;
mod propagation;

mod export;
mod rules;

mod record;
mod survey;

mod reload;
mod store;

mod trace;

mod cache;
pub mod client;
mod http;

mod encode;
mod error;
mod pipeline;

mod analytics;

mod lifecycle;

mod command;
pub mod testing;

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
