//! One HTTP request from its first byte to its last.
//!
//! [`DetectiveLayer`] wraps each route of a router. [`service`] begins the record, [`future`]
//! carries it until the head is ready, and [`body`] until the body has ended. [`open`] counts the
//! request exactly once, whichever of them is dropped first.

mod body;
mod capture;
mod future;
mod known_headers;
mod layer;
mod open;
mod origin;
mod query;
mod service;
mod slot_cache;

pub use future::ResponseFuture;
pub use layer::DetectiveLayer;
pub use service::DetectiveService;
