//! Spans for the calls that leave the process: HTTP, SQL and Redis.

#[cfg(feature = "redis")]
pub(crate) mod redis;
