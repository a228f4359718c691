//! What all programs here share: how they log, and where they listen.

use std::{env, io};

use tokio::net::TcpListener;

/// Shows on standard error what Detective logs, and binds `LISTEN`, or 127.0.0.1:8000 without it.
///
/// # Errors
///
/// When the address is not one, or is in use.
pub async fn listen() -> io::Result<TcpListener> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8000".to_owned());
    let listener = TcpListener::bind(address).await?;
    #[expect(clippy::print_stdout, reason = "for whoever started the program")]
    {
        println!("listening on http://{}", listener.local_addr()?);
    }
    Ok(listener)
}

/// Resolves on ctrl-c and, on Unix, on SIGTERM.
pub async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("the runtime takes signals");
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        _ = interrupt.await;
    }
}
