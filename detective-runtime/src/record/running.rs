//! The register of running instances.

use std::cell::RefCell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwapOption;

use crate::record::Instance;

/// The instance that was started first. It serves functions that are called outside any request.
static FIRST: ArcSwapOption<Instance> = ArcSwapOption::const_empty();

/// All running instances, by number.
static RUNNING: Mutex<Vec<(u32, Weak<Instance>)>> = Mutex::new(Vec::new());

/// How many running instances record anything at all.
static ON: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static IN_SCOPE: RefCell<Option<Arc<Instance>>> = const { RefCell::new(None) };
}

/// The instance for work outside any request: the one made current for this scope, or else the one
/// that was started first.
pub(crate) fn current() -> Option<Arc<Instance>> {
    IN_SCOPE
        .try_with(|scope| scope.borrow().clone())
        .ok()
        .flatten()
        .or_else(|| FIRST.load_full())
}

/// The instance with this number, if it is still running.
pub(crate) fn with_number(number: u32) -> Option<Arc<Instance>> {
    let running = all_running();
    let (_, instance) = running.iter().find(|(one, _)| *one == number)?;
    instance.upgrade()
}

/// Whether any instance records anything at all.
#[inline]
pub(crate) fn is_any_on() -> bool {
    ON.load(Relaxed) > 0
}

/// Counts again how many instances record anything, after one was switched on or off.
pub(super) fn recount() {
    count_on(&all_running());
}

fn count_on(running: &[(u32, Weak<Instance>)]) {
    let instances = running
        .iter()
        .filter_map(|(_, instance)| instance.upgrade());
    ON.store(
        instances.filter(|instance| !instance.is_off()).count(),
        Relaxed,
    );
}

fn all_running() -> MutexGuard<'static, Vec<(u32, Weak<Instance>)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes `instance` (or none) current on this thread, and returns the previous one.
pub(crate) fn set_in_scope(instance: Option<Arc<Instance>>) -> Option<Arc<Instance>> {
    IN_SCOPE
        .try_with(|scope| scope.replace(instance))
        .ok()
        .flatten()
}

impl Instance {
    /// Registers this instance as running. The first one serves work outside any request.
    pub(crate) fn register(self: &Arc<Self>) {
        let mut running = all_running();
        running.push((self.number, Arc::downgrade(self)));
        count_on(&running);
        FIRST.rcu(|first| Some(first.clone().unwrap_or_else(|| Arc::clone(self))));
    }

    /// Undoes [`register`](Self::register). If this was the first one, the longest-running other
    /// one replaces it.
    pub(crate) fn unregister(self: &Arc<Self>) {
        let mut running = all_running();
        running.retain(|(number, _)| *number != self.number);
        count_on(&running);
        let next = running.iter().find_map(|(_, instance)| instance.upgrade());
        FIRST.rcu(|first| match first {
            Some(first) if !Arc::ptr_eq(first, self) => Some(Arc::clone(first)),
            _ => next.clone(),
        });
    }
}
