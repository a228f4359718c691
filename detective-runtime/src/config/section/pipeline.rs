//! `[pipeline]`: the thread that works on finished requests.

use std::time::Duration;

use crate::config::declare::section;

section! {
    /// The background thread that takes over finished requests, so that they never wait for
    /// Jaeger or the store.
    pub struct Pipeline in "pipeline" {
        /// Most finished requests that wait for the thread; further ones are counted as dropped.
        restart queue_records: usize = 65_536, check AT_LEAST_ONE;
        /// How often the thread looks for finished requests; on a busy server it does sooner.
        restart tick: Duration = Duration::from_millis(50), check LONGER_THAN_ZERO;
        /// Longest time that a shutdown takes to drain connections, queues and exports. "0s":
        /// it does not wait.
        restart shutdown_timeout: Duration = Duration::from_secs(10);
    }
}
