//! The register of running instances.

use std::cell::RefCell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwapOption;

use crate::record::Instance;

/// The instance that was started first, for functions that are called outside any request.
static FIRST: ArcSwapOption<Instance> = ArcSwapOption::const_empty();

/// All that run, by number.
static RUNNING: Mutex<Vec<(u32, Weak<Instance>)>> = Mutex::new(Vec::new());

/// How many of those that run record anything at all.
static ON: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static IN_SCOPE: RefCell<Option<Arc<Instance>>> = const { RefCell::new(None) };
}

/// The instance that work outside any request belongs to: the one made current for this scope, else
/// the one that was started first.
pub(crate) fn current() -> Option<Arc<Instance>> {
    IN_SCOPE
        .try_with(|scope| scope.borrow().clone())
        .ok()
        .flatten()
        .or_else(|| FIRST.load_full())
}

/// The instance with this number, if it still runs.
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

/// Counts anew how many record anything at all, after one was switched on or off.
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

/// Makes `instance` current on this thread, or none; gives back the one that was.
pub(crate) fn set_in_scope(instance: Option<Arc<Instance>>) -> Option<Arc<Instance>> {
    IN_SCOPE
        .try_with(|scope| scope.replace(instance))
        .ok()
        .flatten()
}

impl Instance {
    /// Makes this known as running; the first is the instance for work outside any request.
    pub(crate) fn register(self: &Arc<Self>) {
        let mut running = all_running();
        running.push((self.number, Arc::downgrade(self)));
        count_on(&running);
        FIRST.rcu(|first| Some(first.clone().unwrap_or_else(|| Arc::clone(self))));
    }

    /// Takes back [`register`](Self::register); the longest running other one takes its place.
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
