//! Spans that outlive their record: a future that was polled in a request and then moved elsewhere.
//!
//! The record goes to the pipeline with such a span still open; when it ends, its end has to find
//! the way to the same instance. Only records that are handed over with open spans are noted here.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use crate::instance::Instance;
use crate::record::Record;

/// Most records that are remembered; the ends of further ones are lost, and counted by the pipeline
/// as spans that never ended.
const RECORDS: usize = 4096;

type Orphans = HashMap<u64, (Weak<Instance>, u32)>;

static ORPHANS: LazyLock<Mutex<Orphans>> = LazyLock::new(Mutex::default);

/// Remembers a record that is handed over, if it has spans which are still open.
pub(crate) fn remember(record: &Record) {
    let Some(owner) = record.owner.as_ref().filter(|_| record.open_spans > 0) else {
        return;
    };
    let mut orphans = orphans();
    if orphans.len() >= RECORDS {
        orphans.retain(|_, (instance, _)| instance.strong_count() > 0);
    }
    if orphans.len() < RECORDS {
        let instance = std::sync::Arc::downgrade(&owner.instance);
        orphans.insert(record.serial, (instance, record.open_spans));
    }
}

/// The instance of a record that was handed over, for one of its open spans that ends now.
pub(crate) fn find(serial: u64) -> Option<std::sync::Arc<Instance>> {
    let mut orphans = orphans();
    let (instance, open_spans) = orphans.get_mut(&serial)?;
    let instance = instance.upgrade();
    *open_spans -= 1;
    if *open_spans == 0 {
        orphans.remove(&serial);
    }
    instance
}

fn orphans() -> MutexGuard<'static, Orphans> {
    ORPHANS.lock().unwrap_or_else(PoisonError::into_inner)
}
