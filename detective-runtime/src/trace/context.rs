//! Which record the running code belongs to.
//!
//! The record travels with its future: whoever polls or drops the future puts the record into this
//! thread's slot before and takes it back after, so that reaching it costs neither a lock nor a
//! count, and code in between finds it wherever it is called from.

use std::cell::RefCell;

use crate::record::{Record, UniqueRecord};
use crate::trace::PassedOn;

/// What the code that runs now belongs to.
#[derive(Debug)]
pub(crate) enum Scope {
    /// A request, or work outside one.
    Record(UniqueRecord),
    /// Something that the config excludes: nothing below it is recorded either. Its calls carry on
    /// the trace that it came with.
    Excluded(PassedOn),
}

thread_local! {
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// A scope that is entered. Dropped, by a panic too, it puts the outer one back.
pub(crate) struct Entered<'a> {
    /// The outer scope while this one is current, and the other way round before and after.
    waiting: &'a mut Option<Scope>,
}

/// Makes the scope in `home` the current one, until the guard is dropped; then it is back in `home`.
pub(crate) fn enter(home: &mut Option<Scope>) -> Entered<'_> {
    swap(home);
    Entered { waiting: home }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        swap(self.waiting);
    }
}

fn swap(scope: &mut Option<Scope>) {
    // While a thread ends its slot may be gone already; then nothing more is recorded on it.
    let _gone = CURRENT.try_with(|current| {
        if let Ok(mut current) = current.try_borrow_mut() {
            std::mem::swap(&mut *current, scope);
        }
    });
}

/// Calls `action` with the current scope, if there is one. `action` must not call user code: while
/// it runs, the slot is taken, and who asks finds nothing.
pub(crate) fn with_scope<R>(action: impl FnOnce(&mut Scope) -> R) -> Option<R> {
    CURRENT
        .try_with(|current| current.try_borrow_mut().ok()?.as_mut().map(action))
        .ok()
        .flatten()
}

/// Calls `action` with the current record, if there is one, as [`with_scope`] does.
pub(crate) fn with_record<R>(action: impl FnOnce(&mut Record) -> R) -> Option<R> {
    with_scope(|scope| match scope {
        Scope::Record(record) => Some(action(record)),
        Scope::Excluded(_) => None,
    })
    .flatten()
}

/// Where the running code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Inside a record.
    Recorded,
    /// Inside something excluded.
    Excluded,
    /// Outside of everything.
    Outside,
}

/// Where the running code stands.
pub(crate) fn place() -> Place {
    CURRENT
        .try_with(|current| match current.try_borrow().as_deref() {
            Ok(Some(Scope::Record(_))) => Place::Recorded,
            Ok(None) => Place::Outside,
            Ok(Some(Scope::Excluded(_))) | Err(_) => Place::Excluded,
        })
        .unwrap_or(Place::Excluded)
}
