//! Ownership of a record: one owner while it is filled, several once it is finished.

use std::fmt;
use std::ops::{Deref, DerefMut};

use triomphe::UniqueArc;

use super::Record;

/// A record with one owner: while it is filled, and while it waits for reuse.
pub(crate) struct UniqueRecord(UniqueArc<Record>);

/// A finished record that the sinks share. Each sink passes it to
/// [`RecordQueue::release`](crate::record::RecordQueue::release) when it is done.
pub(crate) type SharedRecord = triomphe::Arc<Record>;

impl UniqueRecord {
    pub(crate) fn new(record: Record) -> Self {
        Self(UniqueArc::new(record))
    }

    /// Makes the record shareable. It is read-only from then on.
    pub(crate) fn share(self) -> SharedRecord {
        self.0.shareable()
    }

    /// The record, if this was the last reference to it.
    pub(crate) fn last(record: SharedRecord) -> Option<Self> {
        SharedRecord::try_unique(record).ok().map(Self)
    }
}

impl Deref for UniqueRecord {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.0
    }
}

impl DerefMut for UniqueRecord {
    fn deref_mut(&mut self) -> &mut Record {
        &mut self.0
    }
}

impl fmt::Debug for UniqueRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
