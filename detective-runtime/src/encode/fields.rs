//! The fields that the program set. They may replace attributes.

use crate::export::wire;
use crate::export::wire_span::ATTRIBUTES;
use crate::record::Field;

/// Marks the end of a list.
const NONE: u32 = u32::MAX;

/// Sorts fields by span. A record has the fields of all its spans in one list.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// For each span, its first field.
    first: Vec<u32>,
    /// For each field, the next one of the same span.
    next: Vec<u32>,
}

impl Fields {
    /// Reads the fields of a record with this many spans below its own.
    pub(super) fn sort(&mut self, fields: &[Field], spans: usize) {
        self.first.clear();
        self.next.clear();
        if fields.is_empty() {
            return;
        }
        self.first.resize(spans + 1, NONE);
        self.next.resize(fields.len(), NONE);
        for (index, field) in fields.iter().enumerate().rev() {
            // The record's own span comes after the others.
            let span = field.span.map_or(spans, |span| span as usize);
            if let Some(first) = self.first.get_mut(span) {
                self.next[index] = std::mem::replace(first, index as u32);
            }
        }
    }

    /// The fields of one span, in the order in which they were set.
    #[inline]
    pub(super) fn of<'a>(
        &'a self,
        fields: &'a [Field],
        span: usize,
    ) -> impl Iterator<Item = &'a Field> + use<'a> {
        let mut index = self.first.get(span).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let field = fields.get(index as usize)?;
            index = self.next[index as usize];
            Some(field)
        })
    }
}

/// Appends fields to the attributes of a span, which begin at `start`. The last value of a key
/// counts, at the position of the first: OTLP does not allow a key twice.
#[inline]
pub(super) fn push<'a>(to: &mut Vec<u8>, start: usize, fields: impl Iterator<Item = &'a Field>) {
    for field in fields {
        let old = find(&to[start..], field.key.as_bytes());
        let end = to.len();
        wire::push_value(to, ATTRIBUTES, &field.key, &field.value);
        if let Some((place, len)) = old {
            let (place, new_len) = (start + place, to.len() - end);
            to[place..].rotate_right(new_len);
            to.drain(place + new_len..place + new_len + len);
        }
    }
}

/// The position and the length of the attribute with this key among encoded attributes.
fn find(attributes: &[u8], key: &[u8]) -> Option<(usize, usize)> {
    let mut rest = attributes;
    while let [_tag, after_tag @ ..] = rest {
        let (attribute, after) = wire::split_delimited(after_tag)?;
        let (its_key, _value) = wire::split_delimited(attribute.get(1..)?)?;
        if its_key == key {
            return Some((attributes.len() - rest.len(), rest.len() - after.len()));
        }
        rest = after;
    }
    None
}
