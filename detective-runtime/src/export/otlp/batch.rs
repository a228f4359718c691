//! Encoded spans that are sent together.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::wire::{delimited_len, length_delimited, push_bytes, push_head, push_value};
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

/// The longest tag with a length.
const HEAD: usize = 1 + 10;

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

    /// What stands before spans of so many bytes.
    fn before(&self, spans: usize) -> Vec<u8> {
        let lengths = self.lengths(spans);
        let mut before = Vec::with_capacity(self.room());
        push_head(&mut before, RESOURCE_SPANS, lengths.resource_spans);
        before.extend_from_slice(&self.resource);
        push_head(&mut before, SCOPE_SPANS, lengths.scope_spans);
        before.extend_from_slice(&self.scope);
        before
    }

    /// The longest that it can be.
    fn room(&self) -> usize {
        2 * HEAD + self.resource.len() + self.scope.len()
    }

    fn lengths(&self, spans: usize) -> Lengths {
        let scope_spans = self.scope.len() + spans;
        Lengths {
            resource_spans: self.resource.len() + delimited_len(scope_spans),
            scope_spans,
        }
    }
}

/// Encoded spans, of which any run of neighbours can be made a message of its own.
#[derive(Debug)]
pub(crate) struct Batch {
    prefix: Arc<Prefix>,
    /// Room for what stands before the spans, and the spans, each a field of `ScopeSpans` with its
    /// tag and length. Empty once they are a message.
    spans: Vec<u8>,
    /// Where each span ends.
    ends: Vec<usize>,
    /// The same as a message of all spans, once somebody asked for it. Its memory is used again when
    /// nobody else holds it any more.
    sent: Bytes,
}

impl Batch {
    pub(crate) fn new(prefix: Arc<Prefix>) -> Self {
        Self {
            spans: vec![0; prefix.room()],
            prefix,
            ends: Vec::new(),
            sent: Bytes::new(),
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
        let bytes = self.place(spans).len();
        delimited_len(self.prefix.lengths(bytes).resource_spans)
    }

    /// A whole `ExportTraceServiceRequest` of these spans: one `ResourceSpans` of one `ScopeSpans`.
    pub(crate) fn message(&mut self, spans: Range<usize>) -> Bytes {
        let place = self.place(spans.clone());
        let mut message = self.prefix.before(place.len());
        if spans != (0..self.len()) {
            let all = if self.sent.is_empty() {
                &self.spans[..]
            } else {
                &self.sent
            };
            message.extend_from_slice(&all[place]);
            return message.into();
        }
        let start = place.start - message.len();
        if self.sent.is_empty() {
            self.spans[start..place.start].copy_from_slice(&message);
            self.sent = std::mem::take(&mut self.spans).into();
        }
        self.sent.slice(start..)
    }

    /// Forgets the spans, and keeps the room unless it has grown beyond measure.
    pub(crate) fn clear(&mut self) {
        let mut sent = std::mem::take(&mut self.sent);
        if !sent.is_empty() && sent.is_unique() {
            // What is left would be copied. If nothing were left, the memory would be given up.
            sent.truncate(1);
            self.spans = sent.into();
        }
        self.spans.clear();
        self.spans.shrink_to(KEPT_BYTES);
        self.spans.resize(self.prefix.room(), 0);
        self.ends.clear();
    }

    fn start(&self, span: usize) -> usize {
        span.checked_sub(1)
            .map_or(self.prefix.room(), |before| self.ends[before])
    }

    fn place(&self, spans: Range<usize>) -> Range<usize> {
        self.start(spans.start)..self.start(spans.end)
    }
}

/// How long the messages around the spans are.
struct Lengths {
    resource_spans: usize,
    scope_spans: usize,
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
