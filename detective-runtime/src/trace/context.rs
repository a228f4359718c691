//! Which record the running code belongs to.
//!
//! The record travels with its future: whoever polls or drops the future puts the record into this
//! thread's slot before and takes it back after, so that reaching it costs neither a lock nor a
//! count, and code in between finds it wherever it is called from.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

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
    /// Never dropped, so that reaching it takes no check whether it was: whoever enters a scope takes
    /// it out again before the thread ends.
    static CURRENT: RefCell<ManuallyDrop<Option<Scope>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}

/// A scope that is entered. Dropped, by a panic too, it puts the outer one back.
pub(crate) struct Entered<'a> {
    /// The outer scope while this one is current, and the other way round before and after.
    waiting: &'a mut Option<Scope>,
}

/// Makes the scope in `home` the current one, until the guard is dropped; then it is back in `home`.
#[inline]
pub(crate) fn enter(home: &mut Option<Scope>) -> Entered<'_> {
    swap(home);
    Entered { waiting: home }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        swap(self.waiting);
    }
}

/// Exchanges the current scope with another one, for whoever cannot keep a guard that borrows it.
#[inline(always)]
pub(crate) fn swap(scope: &mut Option<Scope>) {
    CURRENT.with(|current| {
        if let Ok(mut current) = current.try_borrow_mut() {
            std::mem::swap(&mut **current, scope);
        }
    });
}

/// Calls `action` with the current scope, if there is one. `action` must not call user code: while
/// it runs, the slot is taken, and who asks finds nothing.
#[inline(always)]
pub(crate) fn with_scope<R>(action: impl FnOnce(&mut Scope) -> R) -> Option<R> {
    CURRENT.with(|current| current.try_borrow_mut().ok()?.as_mut().map(action))
}

/// Calls `action` with the current record, if there is one, as [`with_scope`] does.
#[inline(always)]
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
#[inline]
pub(crate) fn place() -> Place {
    CURRENT.with(|current| match current.try_borrow().as_deref() {
        Ok(current) => match **current {
            Some(Scope::Record(_)) => Place::Recorded,
            Some(Scope::Excluded(_)) => Place::Excluded,
            None => Place::Outside,
        },
        Err(_) => Place::Excluded,
    })
}
