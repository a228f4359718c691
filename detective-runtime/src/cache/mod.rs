//! A cache in Redis, shared between processes, or in memory.
//!
//! Values are JSON, so that `redis-cli` and other languages can read them. Any failure of Redis
//! counts as a miss: the caller computes the value and gets no error.

#[cfg(feature = "redis")]
mod circuit;
mod computation;
mod memory;
#[cfg_attr(not(feature = "redis"), path = "redis_disabled.rs")]
mod redis;
#[cfg(test)]
#[cfg(feature = "redis")]
mod redis_tests;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config;
use crate::metrics::{Part, Stats};
use crate::trace::ClientSpan;

use computation::Computations;
use memory::Memory;
use redis::Redis;

/// A cache of values under text keys, each for a limited time. A clone is cheap, and clones share the
/// values.
///
/// In Redis, a value is a JSON string under the key `cache.prefix` plus the given key.
#[derive(Clone)]
pub struct Cache(Arc<Shared>);

struct Shared {
    backend: Backend,
    computations: Computations,
    stats: Arc<Stats>,
}

enum Backend {
    Memory(Memory),
    Redis(Box<Redis>),
}

/// Why the cache could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// `cache.url` is neither `memory` nor the address of a Redis server, or this build has no Redis
    /// client. Correct the key, or enable the cargo feature `redis`.
    #[error(
        "`cache.url` is `{url}`, expected `memory` or `redis://[user:password@]host[:port][/database]` (`rediss://` with TLS): {reason}"
    )]
    Url {
        /// The offending address, without its user and password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Cache {
    /// Opens the cache that `config` describes. It does not contact Redis before the first use, so
    /// Redis may be unreachable.
    ///
    /// # Errors
    ///
    /// When `cache.url` cannot be used.
    pub(crate) fn new(config: &config::Cache, stats: Arc<Stats>) -> Result<Self, CacheError> {
        Ok(Self(Arc::new(Shared {
            backend: Backend::new(config, &stats)?,
            computations: Computations::default(),
            stats,
        })))
    }

    /// Whether the values are in Redis, where other processes see them too.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.0.backend, Backend::Redis(_))
    }

    /// The value under `key`. `None` if there is no value, it has expired, it is not a `T`, or
    /// Redis does not answer.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let mut span = self.0.backend.start_span(Operation::Get, key);
        let text = self.0.backend.get(key, &mut span).await;
        let value = text.and_then(|text| serde_json::from_slice(&text).ok());
        let (count, hit) = match value {
            Some(_) => (&self.0.stats.cache_hits, true),
            None => (&self.0.stats.cache_misses, false),
        };
        count.fetch_add(1, Relaxed);
        span.set("cache.hit", hit);
        value
    }

    /// Stores `value` under `key` for the time `ttl`, to the millisecond. It replaces the stored value,
    /// and also any value that is being computed for the key in this process. If `ttl` is zero, the
    /// key is removed.
    pub async fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T, ttl: Duration) {
        match serde_json::to_vec(value) {
            Ok(text) => {
                self.0.computations.invalidate(key);
                self.write(key, text.into(), ttl).await;
            }
            Err(error) => self.not_json(&error),
        }
    }

    /// Removes the value under `key`, and also any value that is being computed for the key in this
    /// process.
    pub async fn remove(&self, key: &str) {
        self.0.computations.invalidate(key);
        self.forget(key).await;
    }

    /// The value under `key`. If there is none, this calls `compute` and stores its value for the time
    /// `ttl`.
    ///
    /// If several callers in this process miss the same key at the same time, one of them computes and
    /// the others wait for its value. If the computation fails, only that caller gets the error, and
    /// the next caller computes. The next caller also computes if the first is cancelled or panics.
    /// `compute` must not ask for the same key: it would wait for itself.
    ///
    /// # Errors
    ///
    /// The error of `compute`. The cache itself never fails.
    pub async fn get_or_compute<T, E, F, Fut>(
        &self,
        key: &str,
        ttl: Duration,
        compute: F,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        // A hit takes no lock. After a miss, a computation that completed before this caller joined
        // may have just written the value.
        let completed = self.0.computations.completed();
        if let Some(value) = self.get(key).await {
            return Ok(value);
        }
        let computation = self.0.computations.join(key);
        if self.0.computations.completed() != completed
            && let Some(value) = self.get(key).await
        {
            return Ok(value);
        }
        let mut compute = Some(compute);
        let mut computed = None;
        let shared = computation.value(async {
            let compute = compute.take().expect("the future runs once");
            let value = compute().await.map_err(Unshared::Failed)?;
            match serde_json::to_vec(&value) {
                Ok(text) => {
                    computed = Some(value);
                    Ok(Arc::from(text))
                }
                Err(error) => {
                    self.not_json(&error);
                    Err(Unshared::NotJson(value))
                }
            }
        });
        match (shared.await, computed) {
            (Ok(text), Some(value)) => {
                // A value that was removed or replaced meanwhile must not come back. If that
                // happens during the write, this write may have replaced a newer value, so both are
                // removed.
                if computation.is_current() {
                    self.write(key, text, ttl).await;
                    if !computation.complete() {
                        self.forget(key).await;
                    }
                }
                Ok(value)
            }
            (Ok(text), None) => match serde_json::from_slice(&text) {
                Ok(value) => Ok(value),
                // The caller computed a value of another type for this key, which must be a
                // mistake.
                Err(_) => compute.expect("another caller computed")().await,
            },
            (Err(Unshared::Failed(error)), _) => Err(error),
            (Err(Unshared::NotJson(value)), _) => Ok(value),
        }
    }

    async fn write(&self, key: &str, text: Arc<[u8]>, ttl: Duration) {
        let ttl = ttl.min(LONGEST_TTL);
        if ttl < Duration::from_millis(1) {
            return self.forget(key).await;
        }
        let mut span = self.0.backend.start_span(Operation::Set, key);
        self.0.backend.set(key, text, ttl, &mut span).await;
    }

    /// Removes the value, but not a computation for the key.
    async fn forget(&self, key: &str) {
        let mut span = self.0.backend.start_span(Operation::Remove, key);
        self.0.backend.remove(key, &mut span).await;
    }

    fn not_json(&self, error: &serde_json::Error) {
        let message = format!("a value cannot be cached because it is not JSON: {error}");
        self.0.stats.failed(Part::Cache, message);
    }
}

/// A century. It overflows neither Redis's clock nor that of the memory cache.
const LONGEST_TTL: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Why the other callers did not get a computed value.
enum Unshared<T, E> {
    Failed(E),
    NotJson(T),
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Get,
    Set,
    Remove,
}

impl Backend {
    fn new(config: &config::Cache, stats: &Arc<Stats>) -> Result<Self, CacheError> {
        let url = config.url.expose();
        match url.split_once("://").map(|(scheme, _)| scheme) {
            None if url == "memory" => Ok(Self::Memory(Memory::new(config.capacity))),
            Some("redis" | "rediss") => {
                let redis =
                    Redis::new(config, Arc::clone(stats)).map_err(|error| CacheError::Url {
                        url: without_credentials(url),
                        reason: error.to_string(),
                    })?;
                Ok(Self::Redis(Box::new(redis)))
            }
            _ => Err(CacheError::Url {
                url: without_credentials(url),
                reason: "it is neither".to_owned(),
            }),
        }
    }

    fn start_span(&self, operation: Operation, key: &str) -> ClientSpan {
        match self {
            Self::Memory(_) => memory::start_span(operation, key),
            Self::Redis(redis) => redis.start_span(operation, key),
        }
    }

    async fn get(&self, key: &str, span: &mut ClientSpan) -> Option<Arc<[u8]>> {
        match self {
            Self::Memory(memory) => memory.get(key).await,
            Self::Redis(redis) => redis.get(key, span).await,
        }
    }

    async fn set(&self, key: &str, text: Arc<[u8]>, ttl: Duration, span: &mut ClientSpan) {
        match self {
            Self::Memory(memory) => memory.set(key, text, ttl).await,
            Self::Redis(redis) => redis.set(key, &text, ttl, span).await,
        }
    }

    async fn remove(&self, key: &str, span: &mut ClientSpan) {
        match self {
            Self::Memory(memory) => memory.remove(key).await,
            Self::Redis(redis) => redis.remove(key, span).await,
        }
    }
}

/// `url` without the text between `://` and the last `@`, which may contain a password.
fn without_credentials(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://***@{rest}"),
        (None, Some((_, rest))) => format!("***@{rest}"),
        (_, None) => url.to_owned(),
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backend = match &self.0.backend {
            Backend::Memory(_) => "memory",
            Backend::Redis(_) => "redis",
        };
        formatter.debug_tuple("Cache").field(&backend).finish()
    }
}
