//! `[analytics]`: the routes under `/analytics`.

use std::time::Duration;

use crate::config::declare::section;
use crate::config::secret::Secret;

section! {
    /// The routes under `/analytics`, and who has access to them.
    pub struct Analytics in "analytics" {
        /// Whether the routes are served.
        restart enabled: bool = true;
        /// The token that clients must send to `/analytics` and `/metrics`
        /// (`Authorization: Bearer ...`). Clients on this machine do not need it. Absent: only
        /// clients on this machine have access. `token_file` names a file that holds the token.
        live token: Option<Secret> = None, check NOT_EMPTY, example "\"a long random text\"";
        /// How long an answer is reused before the store is read again. "0s": it is never reused.
        live cache_ttl: Duration = Duration::from_secs(2);
    }
}
