//! What became of a statement, on its span.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::stream::{BoxStream, Stream, StreamExt};
use sqlx::{Database, Either, Error};

use crate::trace::ClientSpan;

/// One step of a statement's answer.
pub(super) type Step<DB> = Either<<DB as Database>::QueryResult, <DB as Database>::Row>;

/// The answer to a statement; its span lasts until the answer ends or is dropped.
pub(super) struct Watched<'e, DB: Database> {
    steps: BoxStream<'e, Result<Step<DB>, Error>>,
    /// `None` once the answer has ended.
    span: Option<ClientSpan>,
    rows: i64,
}

impl<'e, DB: Database> Watched<'e, DB> {
    pub(super) fn new(span: ClientSpan, steps: BoxStream<'e, Result<Step<DB>, Error>>) -> Self {
        Self {
            steps,
            span: Some(span),
            rows: 0,
        }
    }
}

impl<DB: Database> Stream for Watched<'_, DB> {
    type Item = Result<Step<DB>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let step = ready!(self.steps.poll_next_unpin(context));
        match &step {
            Some(Ok(Either::Left(_))) => {}
            Some(Ok(Either::Right(_))) => self.rows += 1,
            Some(Err(error)) => {
                if let Some(span) = &mut self.span {
                    mark_failure(span, error);
                }
            }
            None => {
                let rows = self.rows;
                if let Some(mut span) = self.span.take() {
                    span.set("db.response.returned_rows", rows);
                }
            }
        }
        Poll::Ready(step)
    }
}

/// The outcome of `work`, which `span` stands for.
pub(super) async fn watch<T>(
    mut span: ClientSpan,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    work.await
        .inspect_err(|error| mark_failure(&mut span, error))
}

fn mark_failure(span: &mut ClientSpan, error: &Error) {
    if !span.is_recording() {
        return;
    }
    if let Some(code) = error.as_database_error().and_then(|error| error.code()) {
        span.set("db.response.status_code", code.into_owned());
    }
    span.fail(error_type(error), error.to_string());
}

/// A short, stable word for the class of `error`; the database's own code where it has one.
fn error_type(error: &Error) -> Cow<'static, str> {
    Cow::Borrowed(match error {
        Error::Database(error) => match error.code() {
            Some(code) => return Cow::Owned(code.into_owned()),
            None => "database",
        },
        Error::Configuration(_) => "configuration",
        Error::Io(_) => "io",
        Error::Tls(_) => "tls",
        Error::Protocol(_) => "protocol",
        Error::Encode(_) => "encode",
        Error::PoolTimedOut => "pool_timed_out",
        Error::PoolClosed => "pool_closed",
        Error::WorkerCrashed => "worker_crashed",
        _ => "_OTHER",
    })
}
