//! What the end-to-end tests are written with: the real servers, each on free ports in a folder of its own, and the
//! example store as a process.
//!
//! A test names what it needs, and reads like the situation it is about:
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
//! - A server whose program is not installed makes `start` answer `None` and say `skipped: ...`; with
//!   `DETECTIVE_REQUIRE_SERVERS=1` it is a failure. See [`binary`].
//! - Every process is ended, by its own id, when its value is dropped: at the end of the test or in its panic, in which
//!   case the last lines of its output are printed too.
//! - Whatever takes time is waited for by asking again, never by sleeping; what does not come about in [`PATIENCE`] is a
//!   panic that tells what was seen last.

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
