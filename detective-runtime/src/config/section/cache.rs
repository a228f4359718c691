//! `[cache]`: where answers are kept for a while.

use std::time::Duration;

use crate::config::declare::section;
use crate::config::secret::Secret;

section! {
    /// The cache that the application and `/analytics` share. A Redis that is away never fails a
    /// request: its answers are misses until it is back.
    pub struct Cache in "cache" {
        /// "memory" for this process alone, or the address of a Redis: "redis://localhost:6379".
        /// `url_file` names a file to read it from.
        restart url: Secret = "memory".into(), check CACHE_URL;
        /// Most entries that are kept in memory. 0 keeps none.
        restart capacity: u64 = 10_000;
        /// Put before every key in Redis, where several services share one.
        restart prefix: String = String::new(), example "\"store:\"";
        /// Longest wait for Redis before a call counts as a miss.
        restart timeout: Duration = Duration::from_millis(250), check LONGER_THAN_ZERO;
    }
}
