//! `[admin]`: where `/metrics` and `/analytics` are served.

use std::net::SocketAddr;

use crate::config::declare::section;

section! {
    /// Where `/metrics` and `/analytics` are served.
    pub struct Admin in "admin" {
        /// A separate address for them. Absent: they are served together with the application's
        /// routes.
        restart listen: Option<SocketAddr> = None, example "\"127.0.0.1:9464\"";
    }
}
