//! Spans that end apart from their request: in spawned work, or after their record was handed over.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::record::Record;
use crate::trace::FLAG_SAMPLED;

/// Traces that were kept although their flag said otherwise, remembered for what ends late.
const KEPT_TRACES: usize = 4096;

/// Detached records that wait for their request to be decided.
const WAITING_RECORDS: usize = 4096;

/// Matches detached records with the decision on their trace.
#[derive(Debug, Default)]
pub(crate) struct LateSpans {
    kept: HashSet<u128>,
    kept_order: VecDeque<u128>,
    waiting: HashMap<u128, Vec<Box<Record>>>,
    waiting_order: VecDeque<u128>,
}

/// What to do with a detached record.
#[derive(Debug)]
pub(crate) enum Fate {
    /// Its trace is kept.
    Keep(Box<Record>),
    /// Its trace is undecided, so it waits; at the bound, the one that waited longest gives way.
    Wait(Option<Box<Record>>),
}

impl LateSpans {
    /// Decides on a detached record.
    pub(crate) fn arrived(&mut self, record: Box<Record>) -> Fate {
        let trace = &record.trace;
        if trace.flags & FLAG_SAMPLED != 0 || self.kept.contains(&trace.trace_id) {
            return Fate::Keep(record);
        }
        self.waiting_order.push_back(trace.trace_id);
        self.waiting.entry(trace.trace_id).or_default().push(record);
        Fate::Wait(if self.waiting_order.len() > WAITING_RECORDS {
            self.pop_oldest()
        } else {
            None
        })
    }

    /// Notes that a trace is kept though it was not sampled; gives what has waited for that.
    pub(crate) fn kept(&mut self, trace_id: u128) -> Vec<Box<Record>> {
        if self.kept.insert(trace_id) {
            self.kept_order.push_back(trace_id);
            if self.kept_order.len() > KEPT_TRACES
                && let Some(oldest) = self.kept_order.pop_front()
            {
                self.kept.remove(&oldest);
            }
        }
        self.waiting.remove(&trace_id).unwrap_or_default()
    }

    fn pop_oldest(&mut self) -> Option<Box<Record>> {
        // Traces that were decided meanwhile have left their places in the order behind.
        while let Some(trace_id) = self.waiting_order.pop_front() {
            let Some(records) = self.waiting.get_mut(&trace_id) else {
                continue;
            };
            let record = records.pop();
            if records.is_empty() {
                self.waiting.remove(&trace_id);
            }
            if record.is_some() {
                return record;
            }
        }
        None
    }
}
