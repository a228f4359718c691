//! What is the same for all spans of a route or a function: encoded once, then copied.

use std::sync::Arc;

use crate::attribute::Callsite;
use crate::encode::attributes::Encoded;
use crate::encode::repeated::Repeated;
use crate::encode::{below, server};
use crate::export::SpanKind;
use crate::export::wire_span::{ATTRIBUTES, push_name};
use crate::rules::Slot;

/// The most routes, and the most functions, whose bytes are kept. Further ones replace others.
const ENTRIES: usize = 4096;

/// The name, the kind and the first attributes of a span.
#[derive(Debug)]
pub(super) struct Beginning {
    bytes: Vec<u8>,
    /// Where the attributes begin.
    attributes: usize,
}

impl Beginning {
    pub(super) fn new(
        name: &[&str],
        kind: SpanKind,
        attributes: impl FnOnce(&mut Encoded<'_>),
    ) -> Self {
        let mut bytes = Vec::new();
        push_name(&mut bytes, name, kind);
        let start = bytes.len();
        attributes(&mut Encoded {
            to: &mut bytes,
            tag: ATTRIBUTES,
        });
        Self {
            bytes,
            attributes: start,
        }
    }

    /// Appends the bytes, and returns the position at which the attributes begin.
    #[inline]
    pub(super) fn push(&self, to: &mut Vec<u8>) -> usize {
        let start = to.len() + self.attributes;
        to.extend_from_slice(&self.bytes);
        start
    }
}

/// The beginnings of spans, by the index of the route or the function.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    slots: Vec<Option<(Arc<Slot>, Beginning)>>,
    functions: Vec<Option<(&'static Callsite, Beginning)>>,
    /// Parts that depend on neither the route nor the function.
    pub(super) repeated: Repeated,
}

impl Prepared {
    /// The beginning of a server span.
    #[inline]
    pub(super) fn slot(&mut self, slot: &Arc<Slot>) -> &Beginning {
        let is_same = |known: &Arc<Slot>| Arc::ptr_eq(known, slot);
        let make = || (Arc::clone(slot), server::beginning(Some(slot)));
        get(&mut self.slots, slot.index, is_same, make)
    }

    /// The beginning of a function's span.
    #[inline]
    pub(super) fn function(&mut self, callsite: &'static Callsite) -> &Beginning {
        let is_same = |known: &&Callsite| std::ptr::eq(*known, callsite);
        let make = || (callsite, below::beginning(callsite));
        // Nothing is recorded before the register exists.
        let index = callsite.index().unwrap_or_default();
        get(&mut self.functions, index, is_same, make)
    }
}

#[inline]
fn get<K>(
    entries: &mut Vec<Option<(K, Beginning)>>,
    index: usize,
    is_same: impl Fn(&K) -> bool,
    make: impl FnOnce() -> (K, Beginning),
) -> &Beginning {
    let index = index % ENTRIES;
    if index >= entries.len() {
        entries.resize_with(index + 1, || None);
    }
    let entry = &mut entries[index];
    if !entry.as_ref().is_some_and(|(known, _)| is_same(known)) {
        *entry = None;
    }
    let (_, beginning) = entry.get_or_insert_with(make);
    beginning
}
