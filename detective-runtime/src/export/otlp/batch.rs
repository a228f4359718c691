//! Encoded spans that are sent together.

use std::ops::Range;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::wire::{delimited_len, length_delimited, push_bytes, push_value, varint_len};
use crate::export::{Resource, SCOPE};

/// `ExportTraceServiceRequest.resource_spans`.
const RESOURCE_SPANS: u8 = length_delimited(1);
/// `ResourceSpans.resource` and `ScopeSpans.scope`.
const ABOUT: u8 = length_delimited(1);
/// `ResourceSpans.scope_spans`.
const SCOPE_SPANS: u8 = length_delimited(2);
/// `Resource.attributes`.
const RESOURCE_ATTRIBUTES: u8 = length_delimited(1);
/// `InstrumentationScope.name` and `version`.
const SCOPE_NAME: u8 = length_delimited(1);
const SCOPE_VERSION: u8 = length_delimited(2);

/// Room that is kept from one batch to the next.
const KEPT_BYTES: usize = 4 << 20;

/// What stands before the spans in every message: the resource and the scope, encoded once.
#[derive(Debug)]
pub(crate) struct Prefix {
    resource: Vec<u8>,
    scope: Vec<u8>,
}

impl Prefix {
    pub(crate) fn new(resource: &Resource) -> Self {
        let mut attributes = Vec::new();
        for (index, (key, value)) in resource.iter().enumerate() {
            // OTLP allows a key once; what was set last counts.
            if resource[index + 1..].iter().all(|(later, _)| later != key) {
                push_value(&mut attributes, RESOURCE_ATTRIBUTES, key, value);
            }
        }
        let mut about = Vec::new();
        push_bytes(&mut about, SCOPE_NAME, SCOPE.as_bytes());
        push_bytes(
            &mut about,
            SCOPE_VERSION,
            env!("CARGO_PKG_VERSION").as_bytes(),
        );
        let mut prefix = Self {
            resource: Vec::new(),
            scope: Vec::new(),
        };
        push_bytes(&mut prefix.resource, ABOUT, &attributes);
        push_bytes(&mut prefix.scope, ABOUT, &about);
        prefix
    }
}

/// Encoded spans, of which any run of neighbours can be made a message of its own.
#[derive(Debug)]
pub(crate) struct Batch {
    prefix: Arc<Prefix>,
    /// The spans, each a field of `ScopeSpans` with its tag and length.
    spans: Vec<u8>,
    /// Where each span ends.
    ends: Vec<usize>,
    /// The memory of the last message, used again when nobody holds that any more.
    message: BytesMut,
}

impl Batch {
    pub(crate) fn new(prefix: Arc<Prefix>) -> Self {
        Self {
            prefix,
            spans: Vec::new(),
            ends: Vec::new(),
            message: BytesMut::new(),
        }
    }

    /// How many spans there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Appends one span: `write` appends the field to the bytes that it is given.
    #[inline]
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.spans);
        self.ends.push(self.spans.len());
    }

    /// How long the [`message`](Self::message) of these spans is.
    pub(crate) fn encoded_len(&self, spans: Range<usize>) -> usize {
        delimited_len(self.lengths(&self.place(spans)).resource_spans)
    }

    /// A whole `ExportTraceServiceRequest` of these spans: one `ResourceSpans` of one `ScopeSpans`.
    pub(crate) fn message(&mut self, spans: Range<usize>) -> Bytes {
        let place = self.place(spans);
        let lengths = self.lengths(&place);
        let message = &mut self.message;
        message.reserve(delimited_len(lengths.resource_spans));
        put_head(message, RESOURCE_SPANS, lengths.resource_spans);
        message.put_slice(&self.prefix.resource);
        put_head(message, SCOPE_SPANS, lengths.scope_spans);
        message.put_slice(&self.prefix.scope);
        message.put_slice(&self.spans[place]);
        message.split().freeze()
    }

    /// Forgets the spans, and keeps the room unless it has grown beyond measure.
    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        self.spans.shrink_to(KEPT_BYTES);
        self.ends.clear();
        if self.message.capacity() > KEPT_BYTES {
            self.message = BytesMut::new();
        }
    }

    fn start(&self, span: usize) -> usize {
        span.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    fn place(&self, spans: Range<usize>) -> Range<usize> {
        self.start(spans.start)..self.start(spans.end)
    }

    fn lengths(&self, place: &Range<usize>) -> Lengths {
        let scope_spans = self.prefix.scope.len() + place.len();
        Lengths {
            resource_spans: self.prefix.resource.len() + delimited_len(scope_spans),
            scope_spans,
        }
    }
}

/// How long the messages around the spans are.
struct Lengths {
    resource_spans: usize,
    scope_spans: usize,
}

fn put_head(to: &mut BytesMut, tag: u8, len: usize) {
    to.put_u8(tag);
    let mut rest = len as u64;
    for _ in 1..varint_len(rest) {
        to.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    to.put_u8(rest as u8);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use prost::Message;

    use super::*;
    use crate::export::tests::resource;

    const SPAN: u8 = length_delimited(2);
    const NAME: u8 = length_delimited(5);

    /// Spans with names of these lengths.
    fn batch(names: &[usize]) -> Batch {
        let mut batch = Batch::new(Arc::new(Prefix::new(&resource())));
        for (index, len) in names.iter().enumerate() {
            batch.push_with(|to| {
                let mut name = Vec::new();
                push_bytes(&mut name, NAME, &vec![b'a' + index as u8; *len]);
                push_bytes(to, SPAN, &name);
            });
        }
        batch
    }

    fn names(message: &Bytes) -> Vec<String> {
        let request = ExportTraceServiceRequest::decode(message.clone()).unwrap();
        assert_eq!(request.resource_spans.len(), 1);
        let resource_spans = &request.resource_spans[0];
        let attributes = &resource_spans.resource.as_ref().unwrap().attributes;
        assert_eq!(attributes.len(), resource().len());
        assert_eq!(attributes[0].key, "service.name");
        assert_eq!(resource_spans.scope_spans.len(), 1);
        let scope_spans = &resource_spans.scope_spans[0];
        let scope = scope_spans.scope.as_ref().unwrap();
        assert_eq!(scope.name, "detective");
        assert_eq!(scope.version, env!("CARGO_PKG_VERSION"));
        let spans = scope_spans.spans.iter();
        spans.map(|span| span.name.clone()).collect()
    }

    #[test]
    fn any_run_of_spans_is_a_message() {
        let lens = [1, 200, 3, 20_000, 5];
        let mut batch = batch(&lens);
        assert_eq!(batch.len(), 5);
        for start in 0..=5 {
            for end in start..=5 {
                let message = batch.message(start..end);
                assert_eq!(message.len(), batch.encoded_len(start..end));
                let names = names(&message);
                assert_eq!(names.len(), end - start);
                for (name, index) in names.iter().zip(start..) {
                    assert_eq!(name.len(), lens[index]);
                    assert!(name.bytes().all(|byte| byte == b'a' + index as u8));
                }
            }
        }
    }

    #[test]
    fn messages_outlive_what_is_made_of_the_batch_later() {
        let mut batch = batch(&[10, 20]);
        let first = batch.message(0..1);
        let second = batch.message(1..2);
        batch.clear();
        assert_eq!(batch.len(), 0);
        assert_eq!(names(&batch.message(0..0)), Vec::<String>::new());
        assert_eq!(names(&first), ["a".repeat(10)]);
        assert_eq!(names(&second), ["b".repeat(20)]);
    }

    #[test]
    fn the_memory_of_a_message_is_used_again() {
        let mut batch = batch(&[1000]);
        let place = batch.message(0..1).as_ptr();
        assert_eq!(batch.message(0..1).as_ptr(), place);
    }
}
