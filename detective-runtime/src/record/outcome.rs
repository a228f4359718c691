//! How a request ended.

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Answered with a status below 400.
    Ok,
    /// Answered with 4xx.
    ClientError,
    /// Answered with 5xx.
    ServerError,
    /// The handler panicked.
    Panic,
    /// The client disconnected before the response was complete.
    ClientDisconnect,
    /// Answered 408 or 504, or answered after the investigated handler was dropped.
    Timeout,
    /// Still open when the program's shutdown deadline passed.
    Shutdown,
}

impl Outcome {
    /// The value of the `outcome` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Panic => "panic",
            Self::ClientDisconnect => "client_disconnect",
            Self::Timeout => "timeout",
            Self::Shutdown => "shutdown",
        }
    }
}
