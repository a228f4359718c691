//! What ends apart from its request: spawned work, and spans that outlive their record.
//!
//! Both come as detached records that name the record they began in. They share its fate: they wait
//! until it is decided, and then are exported with its trace or forgotten.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use crate::export::ExportSpan;
use crate::record::UniqueRecord;

/// Most entries of each kind that are kept; then the oldest gives way.
const ENTRIES: usize = 4096;

/// Matches detached records with the records that they began in.
#[derive(Debug, Default)]
pub(crate) struct LateSpans {
    /// By the serial of a record that work was detached from: whether its trace is kept.
    decided: Bounded<u64, bool>,
    /// By the same serial: detached records that came before it.
    waiting: Bounded<u64, Vec<UniqueRecord>>,
    /// How many records wait in all.
    waiting_records: usize,
    /// By span: spans of kept traces that had not ended with their record.
    unfinished: Bounded<u64, ExportSpan>,
}

/// What to do with a detached record.
#[derive(Debug)]
pub(crate) enum Fate {
    /// Its trace is kept.
    Keep(UniqueRecord),
    /// Its trace is not kept.
    Forget(UniqueRecord),
    /// Its trace is undecided, so it waits. Those which are given back have waited in vain.
    Wait(Vec<UniqueRecord>),
}

impl LateSpans {
    /// Decides on a detached record.
    pub(crate) fn arrived(&mut self, record: UniqueRecord) -> Fate {
        match self.decided.map.get(&record.origin) {
            Some(true) => Fate::Keep(record),
            Some(false) => Fate::Forget(record),
            None => {
                let mut in_vain = match self.waiting_records >= ENTRIES {
                    true => self.waiting.pop_oldest().unwrap_or_default(),
                    false => Vec::new(),
                };
                match self.waiting.map.get_mut(&record.origin) {
                    Some(waiting) => waiting.push(record),
                    None => {
                        let oldest = self.waiting.insert(record.origin, vec![record]);
                        in_vain.extend(oldest.unwrap_or_default());
                    }
                }
                self.waiting_records += 1;
                self.waiting_records -= in_vain.len();
                Fate::Wait(in_vain)
            }
        }
    }

    /// Notes whether the trace of a record is kept that work was detached from; gives what has
    /// waited for that.
    pub(crate) fn decided(&mut self, serial: u64, kept: bool) -> Vec<UniqueRecord> {
        self.decided.insert(serial, kept);
        self.take_waiting(serial)
    }

    /// Takes what waits for a record.
    pub(crate) fn take_waiting(&mut self, serial: u64) -> Vec<UniqueRecord> {
        let waiting = self.waiting.map.remove(&serial).unwrap_or_default();
        self.waiting_records -= waiting.len();
        waiting
    }

    /// Keeps a span that has not ended; gives back how many had to be given up for it.
    pub(crate) fn unfinished(&mut self, span: ExportSpan) -> u64 {
        u64::from(self.unfinished.insert(span.span_id, span).is_some())
    }

    /// Completes the span with this id, if it is one that had not ended.
    pub(crate) fn finish(&mut self, span_id: u64) -> Option<ExportSpan> {
        self.unfinished.map.remove(&span_id)
    }
}

/// A map that forgets its oldest entry when it is full.
#[derive(Debug)]
struct Bounded<K, V> {
    map: HashMap<K, V>,
    /// May name entries that are gone.
    order: VecDeque<K>,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self {
            map: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<K: Copy + Eq + Hash, V> Bounded<K, V> {
    /// Adds or replaces an entry; gives back the value that had to go.
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        let replaced = self.map.insert(key, value);
        if replaced.is_some() {
            return replaced;
        }
        self.order.push_back(key);
        if self.order.len() <= ENTRIES {
            return None;
        }
        self.order
            .pop_front()
            .and_then(|oldest| self.map.remove(&oldest))
    }

    /// Takes out the oldest entry that is still there.
    fn pop_oldest(&mut self) -> Option<V> {
        while let Some(oldest) = self.order.pop_front() {
            let value = self.map.remove(&oldest);
            if value.is_some() {
                return value;
            }
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::record::Kind;
    use crate::testing;

    #[tokio::test]
    async fn the_oldest_waiting_record_gives_way() {
        let (_detective, sinks) = testing::start("").await.unwrap();
        let mut late = LateSpans::default();
        let mut arrive = |origin| -> Vec<u64> {
            let mut record = sinks.instance.begin(Kind::Detached);
            record.origin = origin;
            match late.arrived(record) {
                Fate::Wait(in_vain) => in_vain.iter().map(|record| record.origin).collect(),
                other => panic!("{other:?}"),
            }
        };
        let none: Vec<u64> = Vec::new();
        for _ in 0..2 {
            assert_eq!(arrive(1), none);
        }
        for _ in 2..ENTRIES {
            assert_eq!(arrive(2), none);
        }
        assert_eq!(arrive(3), [1, 1]);
        assert_eq!(arrive(3), none);
        assert_eq!(late.decided(3, true).len(), 2);
        assert_eq!(late.decided(1, true).len(), 0);
        assert_eq!(late.waiting_records, ENTRIES - 2);
    }
}
