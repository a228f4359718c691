//! Spans for outgoing calls. You wrap a client or a pool once, where you create it.

#[cfg(feature = "http-client")]
pub mod http;
mod key;
#[cfg(feature = "sqlite")]
mod query;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sql;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use key::key_pattern;
