//! Which record the running code belongs to.
//!
//! The record travels with its future: whoever polls or drops the future puts the record into this
//! thread's slot before and takes it back after, so that reaching it costs neither a lock nor a
//! count, and code in between finds it wherever it is called from.

use std::cell::Cell;

use crate::record::Record;
use crate::trace::PassedOn;

/// What the code that runs now belongs to.
#[derive(Debug)]
pub(crate) enum Scope {
    /// A request, or work outside one.
    Record(Box<Record>),
    /// Something that the config excludes: nothing below it is recorded either. Its calls carry on
    /// the trace that it came with.
    Excluded(PassedOn),
}

thread_local! {
    static CURRENT: Cell<Option<Scope>> = const { Cell::new(None) };
}

/// A scope that is entered. Dropped, by a panic too, it puts the outer one back.
pub(crate) struct Entered<'a> {
    outer: Option<Scope>,
    home: &'a mut Option<Scope>,
}

/// Makes the scope in `home` the current one, until the guard is dropped; then it is back in `home`.
pub(crate) fn enter(home: &mut Option<Scope>) -> Entered<'_> {
    let outer = swap(home.take());
    Entered { outer, home }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        *self.home = swap(self.outer.take());
    }
}

fn swap(scope: Option<Scope>) -> Option<Scope> {
    // While a thread ends its slot may be gone already; then nothing more is recorded on it.
    CURRENT
        .try_with(|current| current.replace(scope))
        .unwrap_or(None)
}

/// Calls `action` with the current scope, if there is one. `action` must not call user code: while
/// it runs, the slot is empty.
pub(crate) fn with_scope<R>(action: impl FnOnce(&mut Scope) -> R) -> Option<R> {
    CURRENT
        .try_with(|current| {
            let mut scope = current.take();
            let result = scope.as_mut().map(action);
            current.set(scope);
            result
        })
        .unwrap_or(None)
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
        .try_with(|current| {
            let scope = current.take();
            let place = match &scope {
                Some(Scope::Record(_)) => Place::Recorded,
                Some(Scope::Excluded(_)) => Place::Excluded,
                None => Place::Outside,
            };
            current.set(scope);
            place
        })
        .unwrap_or(Place::Excluded)
}
