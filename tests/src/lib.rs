//! The tools of the end-to-end tests: the real servers, each on free ports in its own folder, and
//! the example store as a process.
//!
//! A test names what it needs, and reads like the situation that it tests:
//!
//! ```no_run
//! # async fn test() {
//! use detective_tests::{Jaeger, Store};
//!
//! let Some(jaeger) = Jaeger::start().await else { return };
//! let store = Store::new().env("DETECTIVE_JAEGER__ENDPOINT", jaeger.otlp_http()).start().await;
//! store.get("/orders/1").await;
//! let trace = jaeger.wait_for("store", |trace| trace.find("GET /orders/{order_id}").is_some()).await;
//! assert_eq!(trace.root().kind, "server");
//! # }
//! ```
//!
//! - If the program of a server is not installed, `start` returns `None` and writes `skipped: ...`.
//!   With `DETECTIVE_REQUIRE_SERVERS=1` it fails instead. See [`binary`].
//! - Dropping the value of a process ends that process, by its own id, also when the test panics.
//!   In that case the last lines of its output are printed too.
//! - Whatever takes time is polled, never slept for. If it does not happen within [`PATIENCE`], the
//!   test panics and reports the last state.

pub mod binary;
pub mod client;
mod database;
mod exposition;
mod folder;
mod jaeger;
mod port;
mod process;
mod prometheus;
mod promtool;
mod redis;
mod relay;
mod sqlite;
mod store;
mod trace;
mod wait;

pub use crate::database::Database;
pub use crate::exposition::Exposition;
pub use crate::folder::Folder;
pub use crate::jaeger::Jaeger;
pub use crate::port::{free_port, outside_address};
pub use crate::process::Process;
pub use crate::prometheus::{Prometheus, Sample, Target};
pub use crate::promtool::Promtool;
pub use crate::redis::Redis;
pub use crate::relay::relay;
pub use crate::sqlite::Sqlite;
pub use crate::store::{RunningStore, Store, store_binary};
pub use crate::trace::{Span, Trace};
pub use crate::wait::{PATIENCE, until};

/// The programs in the README compile and run. They stand here and not in the runtime, whose package does not contain
/// the README's folder.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
