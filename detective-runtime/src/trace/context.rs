//! The record that the running code belongs to.
//!
//! The record travels with its future: code that polls or drops the future first moves the record
//! into this thread's slot, and takes it back afterwards. So access needs neither a lock nor a
//! reference count, and code in between finds the record wherever it is called from.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use crate::propagation::PassedOn;
use crate::record::{Record, UniqueRecord};

/// What the running code belongs to.
#[derive(Debug)]
pub(crate) enum Scope {
    /// A request, or work outside one.
    Record(UniqueRecord),
    /// Something that the config excludes. Nothing below it is recorded either. Its calls pass on
    /// the incoming trace headers.
    Excluded(PassedOn),
}

thread_local! {
    /// Never dropped, so that access needs no check for it. Code that enters a scope leaves it
    /// again before the thread ends.
    static CURRENT: RefCell<ManuallyDrop<Option<Scope>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}

/// The guard of an entered scope. Dropping it restores the outer scope, even during a panic.
pub(crate) struct Entered<'a> {
    /// Holds the outer scope while the inner one is current.
    waiting: &'a mut Option<Scope>,
}

/// Makes the scope in `home` current until the guard is dropped, which moves it back into `home`.
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

/// Calls `action` with the current scope, if there is one. `action` must not call user code: the
/// slot is borrowed meanwhile, so a nested call would find no scope.
#[inline(always)]
pub(crate) fn with_scope<R>(action: impl FnOnce(&mut Scope) -> R) -> Option<R> {
    CURRENT.with(|current| current.try_borrow_mut().ok()?.as_mut().map(action))
}

/// The same with the current record.
#[inline(always)]
pub(crate) fn with_record<R>(action: impl FnOnce(&mut Record) -> R) -> Option<R> {
    with_scope(|scope| match scope {
        Scope::Record(record) => Some(action(record)),
        Scope::Excluded(_) => None,
    })
    .flatten()
}

/// Where the running code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Inside a record.
    Recorded,
    /// Inside something excluded.
    Excluded,
    /// Outside of everything.
    Outside,
}

/// Where the running code is.
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
