//! The cache of a single process. It is bounded, and evicts the least used entries first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;

use super::Operation;
use crate::client::key_pattern;
use crate::export::SpanKind;
use crate::trace::ClientSpan;

pub(super) struct Memory(Cache<Box<str>, Entry>);

#[derive(Clone)]
struct Entry {
    text: Arc<[u8]>,
    ttl: Duration,
}

impl Memory {
    /// A cache of at most `capacity` entries.
    pub(super) fn new(capacity: u64) -> Self {
        let cache = Cache::builder().max_capacity(capacity);
        Self(cache.expire_after(EachItsOwn).build())
    }

    pub(super) async fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        self.0.get(key).await.map(|entry| entry.text)
    }

    pub(super) async fn set(&self, key: &str, text: Arc<[u8]>, ttl: Duration) {
        self.0.insert(key.into(), Entry { text, ttl }).await;
    }

    pub(super) async fn remove(&self, key: &str) {
        self.0.invalidate(key).await;
    }
}

/// The span of one operation. OpenTelemetry has no conventions for caches in memory.
pub(super) fn start_span(operation: Operation, key: &str) -> ClientSpan {
    let name = match operation {
        Operation::Get => "cache get",
        Operation::Set => "cache set",
        Operation::Remove => "cache remove",
    };
    let mut span = ClientSpan::start(name, SpanKind::Internal);
    if span.is_recording() {
        span.set("cache.key", key_pattern(key));
    }
    span
}

/// Every entry expires after its own time to live.
struct EachItsOwn;

impl Expiry<Box<str>, Entry> for EachItsOwn {
    fn expire_after_create(&self, _: &Box<str>, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &Box<str>,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

#[cfg(test)]
impl Memory {
    /// The number of entries once evictions are done.
    pub(super) async fn settled_len(&self) -> u64 {
        self.0.run_pending_tasks().await;
        self.0.entry_count()
    }
}
