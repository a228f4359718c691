//! Watches everything that changes the configuration of a running program: the file, SIGHUP, the
//! ends of boosts.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Reloader;
use crate::config::{ConfigError, Loaded};

/// How often the file is checked.
const POLL: Duration = Duration::from_secs(1);

/// How long a changed file must stay unchanged before it is applied, since its writer may not have
/// finished.
const SETTLE: Duration = Duration::from_millis(100);

impl Reloader {
    /// Watches the file and the signal, and ends boosts. It never returns; dropping the future
    /// stops it.
    pub(crate) async fn watch(self: Arc<Self>) -> Infallible {
        tokio::select! {
            never = self.watch_file() => never,
            never = self.watch_hangup() => never,
            never = self.watch_boosts() => never,
        }
    }

    /// Only ends boosts when their time has come.
    pub(crate) async fn watch_boosts(&self) -> Infallible {
        loop {
            let next = self.lock().boosts.iter().map(|boost| boost.end).min();
            let end = async {
                match next {
                    Some(end) => tokio::time::sleep_until(end.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = end => {}
                () = self.boosts_changed.notified() => {}
            }
            let now = Instant::now();
            let ended = self.end_boosts(|boost| boost.end <= now);
            if ended > 0 {
                tracing::info!("{ended} boost(s) ended, the configuration decides again");
            }
        }
    }

    async fn watch_file(&self) -> Infallible {
        if !self.loader.reads_a_file() {
            return pending().await;
        }
        loop {
            tokio::time::sleep(POLL).await;
            let _turn = self.turn.lock().await;
            let found = self.load().await;
            if !self.lock().is_news(&found) {
                continue;
            }
            tokio::time::sleep(SETTLE).await;
            let settled = self.load().await;
            if is_same(&found, &settled) {
                // The failure was reported where it was noticed.
                let _reported = self.take_up(settled);
            }
        }
    }

    #[cfg(unix)]
    async fn watch_hangup(&self) -> Infallible {
        use std::io::IsTerminal;

        use tokio::signal::unix::{SignalKind, signal};

        // Closing a terminal sends the same signal, and then the program should end.
        if !self.loader.reads_a_file() || std::io::stdin().is_terminal() {
            return pending().await;
        }
        let mut hangups = match signal(SignalKind::hangup()) {
            Ok(hangups) => hangups,
            Err(error) => {
                tracing::warn!("cannot listen for SIGHUP: {error}; the file is still watched");
                return pending().await;
            }
        };
        loop {
            if hangups.recv().await.is_none() {
                return pending().await;
            }
            // The failure was reported where it was noticed.
            let _reported = self.reload().await;
        }
    }

    #[cfg(not(unix))]
    async fn watch_hangup(&self) -> Infallible {
        pending().await
    }
}

fn is_same(one: &Result<Loaded, ConfigError>, other: &Result<Loaded, ConfigError>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one.is_same(other),
        (Err(one), Err(other)) => one.to_string() == other.to_string(),
        _ => false,
    }
}
