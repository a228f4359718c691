//! The pipeline thread, and the handles on it.

use std::convert::Infallible;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::error::{ShutdownError, StartError};
use crate::pipeline::worker::{Sinks, Worker};
use crate::record::Instance;

/// How long a pipeline that is dropped without a shutdown may continue to write.
const DROP_TIMEOUT: Duration = Duration::from_secs(2);

/// The running pipeline thread.
#[derive(Debug)]
pub(crate) struct Pipeline {
    commands: mpsc::UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
pub(super) enum Command {
    Flush(oneshot::Sender<()>),
    FlushRows(oneshot::Sender<()>),
    Close(Instant, oneshot::Sender<Result<(), ShutdownError>>),
}

impl Pipeline {
    /// Starts the thread. `open` opens the sinks on the thread, because they belong to its runtime.
    /// `beside` runs on the same thread for as long as the pipeline does.
    pub(crate) async fn start(
        instance: Arc<Instance>,
        beside: impl Future<Output = Infallible> + Send + 'static,
        open: impl FnOnce() -> Result<Sinks, StartError> + Send + 'static,
    ) -> Result<Self, StartError> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let (report, opened) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("detective-pipeline".to_owned())
            .spawn(move || run(instance, inbox, beside, open, report));
        let thread = thread.map_err(StartError::Thread)?;
        opened.await.unwrap_or_else(|_| {
            Err(StartError::Thread(std::io::Error::other(
                "it ended at once",
            )))
        })?;
        Ok(Self {
            commands,
            thread: Some(thread),
        })
    }

    /// Waits until everything that was recorded before is written and exported.
    pub(crate) async fn flush(&self) {
        self.flusher().flush().await;
    }

    /// A handle that can only flush.
    pub(crate) fn flusher(&self) -> Flusher {
        Flusher(self.commands.clone())
    }

    /// Flushes everything, closes the sinks and ends the thread, by `deadline`.
    pub(crate) async fn close(&mut self, deadline: Instant) -> Result<(), ShutdownError> {
        let (done, closed) = oneshot::channel();
        let result = match self.commands.send(Command::Close(deadline, done)) {
            Ok(()) => closed
                .await
                .unwrap_or_else(|_| Err(ShutdownError::pipeline_gone())),
            Err(_) => Err(ShutdownError::pipeline_gone()),
        };
        if let Some(thread) = self.thread.take() {
            // The worker has already reported its result, so this does not wait long.
            let _panicked = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        result
    }
}

/// The body of the thread. It reports through `report` whether the sinks could be opened.
fn run(
    instance: Arc<Instance>,
    inbox: mpsc::UnboundedReceiver<Command>,
    beside: impl Future<Output = Infallible>,
    open: impl FnOnce() -> Result<Sinks, StartError>,
    report: oneshot::Sender<Result<(), StartError>>,
) {
    let report = |result| {
        // If the start was cancelled, nobody receives this.
        let _cancelled = report.send(result);
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(Err(StartError::Thread(error))),
    };
    runtime.block_on(tokio::task::LocalSet::new().run_until(async move {
        let sinks = match open() {
            Ok(sinks) => sinks,
            Err(error) => return report(Err(error)),
        };
        report(Ok(()));
        tokio::select! {
            () = Worker::new(instance, sinks).run(inbox) => {}
            never = beside => match never {},
        }
    }));
    // Do not wait for a hanging read of a config file.
    runtime.shutdown_background();
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        let (done, _closed) = oneshot::channel();
        let _ended = self
            .commands
            .send(Command::Close(Instant::now() + DROP_TIMEOUT, done));
        // Blocking here does not stop the thread, because it has its own runtime.
        let end = std::time::Instant::now() + DROP_TIMEOUT;
        while !thread.is_finished() && std::time::Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Flushes a pipeline without owning it.
#[derive(Debug, Clone)]
pub(crate) struct Flusher(mpsc::UnboundedSender<Command>);

impl Flusher {
    /// Waits until everything that was recorded before is written and exported.
    pub(crate) async fn flush(&self) {
        self.send(Command::Flush).await;
    }

    /// Waits until everything that was recorded before is written.
    pub(crate) async fn flush_rows(&self) {
        self.send(Command::FlushRows).await;
    }

    async fn send(&self, command: fn(oneshot::Sender<()>) -> Command) {
        let (done, flushed) = oneshot::channel();
        if self.0.send(command(done)).is_ok() {
            // An error means that the thread has ended. Unless it panicked, it flushed everything
            // first.
            let _ended = flushed.await;
        }
    }
}
