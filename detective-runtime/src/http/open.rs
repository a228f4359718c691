//! An open request, and its end.

use std::fmt;
use std::sync::Arc;

use crate::attribute::render;
use crate::clock;
use crate::record::{Kind, Outcome, Record, UniqueRecord, observation, truncate};
use crate::trace::context::{Entered, Scope};
use crate::trace::{Surroundings, context, settle_mark};

/// Owns the record of a request until it ends. Dropping it ends the request, so that nothing that
/// happens to the future or to the body can lose the request or count it twice.
#[derive(Debug)]
pub(crate) struct OpenRequest {
    scope: Option<Scope>,
}

/// The status for a request whose handler gave no response at all.
const INTERNAL_SERVER_ERROR: u16 = 500;

impl OpenRequest {
    pub(crate) fn new(scope: Scope) -> Self {
        Self { scope: Some(scope) }
    }

    /// A request that an outer layer records or has excluded.
    pub(crate) fn outer() -> Self {
        Self { scope: None }
    }

    /// Moves the request out, and leaves an empty value behind.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self {
            scope: self.scope.take(),
        }
    }

    /// Makes the request current on this thread, until it is [left](Inside::leave).
    #[inline]
    pub(crate) fn enter(&mut self) -> Inside<'_> {
        let is_open = self.scope.is_some();
        Inside {
            entered: is_open.then(|| context::enter(&mut self.scope)),
        }
    }

    /// The record, unless the request is excluded or belongs to an outer layer.
    pub(crate) fn record(&mut self) -> Option<&mut Record> {
        match &mut self.scope {
            Some(Scope::Record(record)) => Some(record),
            Some(Scope::Excluded(_)) | None => None,
        }
    }

    /// Whether the request is recorded or excluded here and has not ended.
    pub(crate) fn is_open(&self) -> bool {
        self.scope.is_some()
    }

    /// Whether neither the request nor anything that it calls is recorded.
    pub(crate) fn is_excluded(&self) -> bool {
        matches!(self.scope, Some(Scope::Excluded(_)))
    }

    /// Ends the request with a complete response.
    pub(crate) fn complete(&mut self) {
        self.finish(|record| match record.response.status {
            // Any other answer means that somebody caught the panic and recovered.
            500.. if record.handler.panicked => Outcome::Panic,
            408 | 504 => Outcome::Timeout,
            _ if record.handler.dropped => Outcome::Timeout,
            status => of_status(status),
        });
    }

    /// Ends the request because its response could not be made or sent.
    pub(crate) fn fail(&mut self, reason: fmt::Arguments<'_>) {
        self.finish(|record| {
            note_error(record, reason);
            Outcome::ServerError
        });
    }

    fn finish(&mut self, outcome: impl FnOnce(&mut Record) -> Outcome) {
        let Some(Scope::Record(mut record)) = self.scope.take() else {
            return;
        };
        record.end = clock::now();
        settle_mark(&mut record);
        let outcome = outcome(&mut record);
        record.response.outcome = Some(outcome);
        count(record, outcome);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.finish(|record| {
            if record.unwound {
                Outcome::Panic
            } else if record.owner.instance.is_cut_off() {
                Outcome::Shutdown
            } else if record.response.endless {
                // An endless response ends only when the client disconnects.
                of_status(record.response.status)
            } else {
                Outcome::ClientDisconnect
            }
        });
    }
}

impl Surroundings for OpenRequest {
    #[inline]
    fn inside<R>(&mut self, action: impl FnOnce() -> R) -> R {
        let inside = self.enter();
        let result = action();
        inside.leave();
        result
    }
}

fn of_status(status: u16) -> Outcome {
    match status {
        500.. => Outcome::ServerError,
        400.. => Outcome::ClientError,
        _ => Outcome::Ok,
    }
}

/// Stores why the response is incomplete, as far as the config allows, unless an error is stored
/// already.
fn note_error(record: &mut Record, reason: fmt::Arguments<'_>) {
    let capture = &record.owner.snapshot.config.capture;
    if capture.error && record.handler.error.is_none() {
        let mut text = render(reason);
        truncate(&mut text, capture.max_text_bytes);
        record.handler.error = Some(text).filter(|text| !text.is_empty());
    }
}

/// A request that is current on this thread. Only a panic drops it without
/// [`leave`](Inside::leave), which marks the record as unwound.
pub(crate) struct Inside<'a> {
    entered: Option<Entered<'a>>,
}

impl Inside<'_> {
    /// Restores the outer request.
    #[inline]
    pub(crate) fn leave(mut self) {
        self.entered = None;
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.entered.is_some() {
            context::with_record(|record| record.unwound = true);
        }
    }
}

/// Updates the metrics at once, and queues the record.
fn count(mut record: UniqueRecord, outcome: Outcome) {
    debug_assert_eq!(record.kind, Kind::Request);
    if record.response.status == 0 && matches!(outcome, Outcome::Panic | Outcome::ServerError) {
        // The status that a panic-catching layer or a proxy sends. The row shows the same.
        record.response.status = INTERNAL_SERVER_ERROR;
    }
    if outcome == Outcome::Panic
        && record.handler.error.is_none()
        && !record.panic_message.is_empty()
    {
        record.handler.error = Some(record.panic_message.clone());
    }
    let observation = observation(&record);
    let owner = &record.owner;
    let Some(slot) = &record.request.slot else {
        return;
    };
    slot.cells.finish(observation.scheme);
    // A reference of its own, since the record may be cleared as soon as it is queued.
    let instance = Arc::clone(&owner.instance);
    if owner.snapshot.watches_investigated_only() && record.handler.callsite.is_none() {
        return instance.records.give_back(record);
    }
    slot.cells.observe(&observation);
    instance.enqueue(record);
}
