//! Tells an exporter that the program ends, and until when it may go on.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Tells all [`Ending`]s.
#[derive(Debug)]
pub(crate) struct Ender(watch::Sender<Option<Instant>>);

impl Ender {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// The program ends, and exporting may go on until `deadline`.
    pub(crate) fn end(&self, deadline: Instant) {
        self.0.send_replace(Some(deadline));
    }

    pub(crate) fn watch(&self) -> Ending {
        Ending(self.0.subscribe())
    }
}

/// Whether the program ends.
#[derive(Debug, Clone)]
pub(crate) struct Ending(watch::Receiver<Option<Instant>>);

impl Ending {
    /// For exports outside a running system, which nothing ends.
    #[cfg(test)]
    pub(crate) fn never() -> Self {
        Ender::new().watch()
    }

    /// Until when exporting may go on, once the program ends.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Waits until `time`, or less when the program begins to end meanwhile.
    pub(crate) async fn sleep_until(&mut self, time: Instant) {
        if self.deadline().is_some() {
            return sleep_until(time).await;
        }
        tokio::select! {
            () = sleep_until(time) => {}
            // Whoever could tell is gone: nothing ends the wait early.
            () = async {
                if self.0.wait_for(Option::is_some).await.is_err() {
                    std::future::pending::<()>().await;
                }
            } => {}
        }
    }
}
