//! One computation for all the callers that miss the same key at the same time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// A value on its way to everybody who waits for it, as JSON.
type Cell = Arc<OnceCell<Arc<[u8]>>>;

/// The keys that somebody is looking up or computing just now.
#[derive(Debug, Default)]
pub(super) struct Flights {
    cells: Mutex<HashMap<Box<str>, Cell>>,
    /// How many flights have landed; grows under the lock.
    landings: AtomicU64,
}

/// One caller's part in the flight of a key. The flight ends with its last caller.
#[derive(Debug)]
pub(super) struct Flight<'a> {
    flights: &'a Flights,
    key: &'a str,
    /// Taken out only when the flight is left.
    cell: Option<Cell>,
}

impl Flights {
    /// Joins the flight of `key`, or starts one.
    pub(super) fn board<'a>(&'a self, key: &'a str) -> Flight<'a> {
        let mut cells = self.lock();
        let cell = match cells.get(key) {
            Some(cell) => Arc::clone(cell),
            None => Arc::clone(cells.entry(key.into()).or_default()),
        };
        Flight {
            flights: self,
            key,
            cell: Some(cell),
        }
    }

    /// Ends the flight of `key`, if there is one: what it makes is out of date.
    pub(super) fn divert(&self, key: &str) {
        self.lock().remove(key);
    }

    /// How many flights have landed. A value that was not found cannot have come before the next
    /// [`board`](Self::board) when this number is then still the same.
    pub(super) fn landings(&self) -> u64 {
        self.landings.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Cell>> {
        // Nothing panics while it holds the lock; a poisoned map would still be whole.
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight<'_> {
    /// The value of this flight. One caller at a time runs its `make`, until one succeeds.
    pub(super) async fn value<E>(
        &self,
        make: impl Future<Output = Result<Arc<[u8]>, E>>,
    ) -> Result<Arc<[u8]>, E> {
        let cell = self.cell.as_ref().expect("only dropping takes the cell");
        cell.get_or_try_init(|| make).await.map(Arc::clone)
    }

    /// Whether whoever comes now would come aboard.
    pub(super) fn is_open(&self) -> bool {
        self.flights
            .lock()
            .get(self.key)
            .is_some_and(|cell| self.is_in(cell))
    }

    /// Ends the flight: whoever comes from now on starts another. Those who are aboard keep its
    /// value. Says whether it was still open; if not, what it made is out of date.
    pub(super) fn land(&self) -> bool {
        let mut cells = self.flights.lock();
        let is_open = cells.get(self.key).is_some_and(|cell| self.is_in(cell));
        if is_open {
            cells.remove(self.key);
            self.flights.landings.fetch_add(1, Ordering::Release);
        }
        is_open
    }

    fn is_in(&self, cell: &Cell) -> bool {
        self.cell.as_ref().is_some_and(|own| Arc::ptr_eq(own, cell))
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut cells = self.flights.lock();
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
impl Flights {
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Keeps everybody from boarding while the answer lives.
    pub(super) fn lock_for_test(&self) -> impl Sized + '_ {
        self.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landing_tells_whether_the_flight_was_diverted_meanwhile() {
        let flights = Flights::default();
        let flight = flights.board("key");
        assert!(flight.is_open());
        flights.divert("key");
        let next = flights.board("key");
        assert!(!flight.land(), "another has its place");
        assert_eq!(flights.landings(), 0);
        assert!(next.land(), "which it has left alone");
        assert_eq!(flights.landings(), 1);
        assert!(!next.land(), "only once");
        drop((flight, next));
        assert_eq!(flights.len(), 0);
    }
}
