//! Spans for the calls that leave the process: each is one word at the place where the client or
//! the pool is made.

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
