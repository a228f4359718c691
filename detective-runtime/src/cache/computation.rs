//! One computation for all the callers that miss the same key at the same time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// A value on its way to everybody who waits for it, as JSON.
type Cell = Arc<OnceCell<Arc<[u8]>>>;

/// The computations in progress, by key.
#[derive(Debug, Default)]
pub(super) struct Computations {
    cells: Mutex<HashMap<Box<str>, Cell>>,
    /// How many have completed; grows under the lock.
    completed: AtomicU64,
}

/// One caller's part in the computation of a key. The computation ends with its last caller.
#[derive(Debug)]
pub(super) struct Computation<'a> {
    all: &'a Computations,
    key: &'a str,
    /// Taken out only when the caller leaves.
    cell: Option<Cell>,
}

impl Computations {
    /// Joins the computation of `key`, or starts one.
    pub(super) fn join<'a>(&'a self, key: &'a str) -> Computation<'a> {
        let mut cells = self.lock();
        let cell = match cells.get(key) {
            Some(cell) => Arc::clone(cell),
            None => Arc::clone(cells.entry(key.into()).or_default()),
        };
        Computation {
            all: self,
            key,
            cell: Some(cell),
        }
    }

    /// Ends the computation of `key`, if there is one: its value is out of date. The callers that
    /// joined it still get it.
    pub(super) fn invalidate(&self, key: &str) {
        self.lock().remove(key);
    }

    /// How many computations have completed. Read before a look-up that finds nothing: if it is still
    /// the same after [`join`](Self::join), no computation has written the value in between.
    pub(super) fn completed(&self) -> u64 {
        self.completed.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Cell>> {
        // Nothing panics while it holds the lock; a poisoned map would still be whole.
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Computation<'_> {
    /// The computed value. One caller at a time runs its `make`, until one succeeds.
    pub(super) async fn value<E>(
        &self,
        make: impl Future<Output = Result<Arc<[u8]>, E>>,
    ) -> Result<Arc<[u8]>, E> {
        let cell = self.cell.as_ref().expect("only dropping takes the cell");
        cell.get_or_try_init(|| make).await.map(Arc::clone)
    }

    /// Whether the next caller would join this computation: it has not been invalidated or completed.
    pub(super) fn is_current(&self) -> bool {
        self.all
            .lock()
            .get(self.key)
            .is_some_and(|cell| self.is_in(cell))
    }

    /// Ends the computation: the next caller starts another, and the callers that joined it keep its
    /// value. Returns whether it was still current; if not, its value is out of date.
    pub(super) fn complete(&self) -> bool {
        let mut cells = self.all.lock();
        let is_current = cells.get(self.key).is_some_and(|cell| self.is_in(cell));
        if is_current {
            cells.remove(self.key);
            self.all.completed.fetch_add(1, Ordering::Release);
        }
        is_current
    }

    fn is_in(&self, cell: &Cell) -> bool {
        self.cell.as_ref().is_some_and(|own| Arc::ptr_eq(own, cell))
    }
}

impl Drop for Computation<'_> {
    fn drop(&mut self) {
        let mut cells = self.all.lock();
        // Leaving under the lock keeps the count below exact.
        self.cell = None;
        if cells
            .get(self.key)
            .is_some_and(|cell| Arc::strong_count(cell) == 1)
        {
            cells.remove(self.key);
        }
    }
}

#[cfg(test)]
impl Computations {
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Keeps everybody from joining while the returned guard lives.
    pub(super) fn lock_for_test(&self) -> impl Sized + '_ {
        self.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completing_tells_whether_the_value_was_invalidated_meanwhile() {
        let all = Computations::default();
        let computation = all.join("key");
        assert!(computation.is_current());
        all.invalidate("key");
        let next = all.join("key");
        assert!(!computation.complete(), "another has its place");
        assert_eq!(all.completed(), 0);
        assert!(next.complete(), "which it has left alone");
        assert_eq!(all.completed(), 1);
        assert!(!next.complete(), "only once");
        drop((computation, next));
        assert_eq!(all.len(), 0);
    }
}
