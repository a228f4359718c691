//! `[admin]`: where the pages of Detective are served.

use std::net::SocketAddr;

use crate::config::declare::section;

section! {
    /// Where `/metrics` and `/analytics` are served.
    pub struct Admin in "admin" {
        /// An address of their own. Absent: they are served beside the application's routes.
        restart listen: Option<SocketAddr> = None, example "\"127.0.0.1:9464\"";
    }
}
