//! `[pipeline]`: the background thread that processes finished requests.

use std::time::Duration;

use crate::config::declare::section;

section! {
    /// The background thread that processes finished requests. Because of it, no request waits for
    /// Jaeger or the store.
    pub struct Pipeline in "pipeline" {
        /// Maximum number of finished requests that wait for the thread. Further ones are dropped
        /// and counted.
        restart queue_records: usize = 65_536, check AT_LEAST_ONE;
        /// How often the thread takes finished requests. On a busy server it takes them sooner.
        restart tick: Duration = Duration::from_millis(50), check LONGER_THAN_ZERO;
        /// Maximum time for a shutdown: to finish open requests, to write the queues and to export.
        /// "0s": the shutdown does not wait.
        restart shutdown_timeout: Duration = Duration::from_secs(10);
    }
}
