//! `[cache]`: where cached values are kept.

use std::time::Duration;

use crate::config::declare::section;
use crate::config::secret::Secret;

section! {
    /// The cache, which the application and `/analytics` use. An unreachable Redis never fails a
    /// request: every read is a miss until Redis answers again.
    pub struct Cache in "cache" {
        /// "memory" for a cache in this process, or the address of a Redis:
        /// "redis://localhost:6379". `url_file` names a file that holds the address.
        restart url: Secret = "memory".into(), check CACHE_URL;
        /// Maximum number of entries in memory. 0: nothing is kept. Redis does not use this key.
        restart capacity: u64 = 10_000;
        /// Prefix of every key in Redis. Set it if several services share one Redis.
        restart prefix: String = String::new(), example "\"store:\"";
        /// Maximum time to wait for Redis. After it, the call counts as a miss.
        restart timeout: Duration = Duration::from_millis(250), check LONGER_THAN_ZERO;
    }
}
