//! Replaces the engine in a build without one. The signatures are the same, but the types have no
//! values, because no store can be opened.

use std::ops::Range;

use super::{EndpointStats, Filter, Identity, Overview, RowBatch, StoreError};

/// Has no values.
#[derive(Debug)]
pub(crate) enum Writer {}

/// Has no values.
#[derive(Debug, Clone)]
pub(crate) enum Reader {}

pub(super) async fn open(_url: &str, _identity: Identity) -> Result<(Writer, Reader), StoreError> {
    Err(StoreError::NotBuilt)
}

impl Writer {
    pub(crate) fn assign_ids(&mut self, _count: usize) -> Vec<i64> {
        match *self {}
    }

    pub(crate) async fn write(
        &mut self,
        _ids: &[i64],
        _batch: &impl RowBatch,
        _part: Range<usize>,
    ) -> Result<u64, StoreError> {
        match *self {}
    }

    pub(crate) async fn close(self) -> Result<(), StoreError> {
        match self {}
    }
}

impl Reader {
    pub(crate) async fn close(&self) {
        match *self {}
    }

    pub(crate) async fn overview(&self, _filter: &Filter) -> Result<Overview, StoreError> {
        match *self {}
    }

    pub(crate) async fn endpoint(&self, _filter: &Filter) -> Result<EndpointStats, StoreError> {
        match *self {}
    }

    pub(crate) async fn endpoints(&self) -> Result<Vec<String>, StoreError> {
        match *self {}
    }
}
