//! `[analytics]`: the pages about the requests.

use std::time::Duration;

use crate::config::declare::section;
use crate::config::secret::Secret;

section! {
    /// The pages under `/analytics`.
    pub struct Analytics in "analytics" {
        /// Whether they answer.
        restart enabled: bool = true;
        /// What visitors of `/analytics` and `/metrics` must show (`Authorization: Bearer ...`).
        /// Absent: only clients on this machine are answered. `token_file` names a file to read
        /// it from.
        live token: Option<Secret> = None, check NOT_EMPTY, example "\"a long random text\"";
        /// How long an answer is given again without asking the store. "0s": never.
        live cache_ttl: Duration = Duration::from_secs(2);
    }
}
