//! The texts of a request's head.

use std::borrow::Cow;

use http::HeaderValue;

/// The texts that are copied from a request's head, one after the other in one buffer. So a request
/// touches one allocation instead of one for each text.
///
/// The bytes are copied unchecked. Readers on the pipeline thread check that a text is UTF-8; one
/// that is not counts as absent.
#[derive(Debug, Default)]
pub(crate) struct HeadTexts {
    bytes: Vec<u8>,
    /// Start and end of each text; an absent text is empty.
    places: [(u32, u32); HeadText::COUNT],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadText {
    /// The method as it was sent, when it is not a known one.
    MethodOriginal,
    Path,
    /// The allowed part of the query.
    Query,
    /// The host and port that the client asked for.
    Host,
    UserAgent,
    TraceState,
}

impl HeadText {
    const COUNT: usize = Self::TraceState as usize + 1;
}

impl HeadTexts {
    /// Stores at most `limit` bytes of `text`, in whole characters.
    pub(crate) fn set(&mut self, which: HeadText, text: &[u8], limit: usize) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(first(text, limit));
        self.note(which, start);
    }

    /// Stores at most `limit` bytes of what `write` appends to the buffer.
    pub(crate) fn write<R>(
        &mut self,
        which: HeadText,
        limit: usize,
        write: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> R {
        let start = self.bytes.len();
        let result = write(&mut self.bytes);
        let kept = first(&self.bytes[start..], limit).len();
        self.bytes.truncate(start + kept);
        self.note(which, start);
        result
    }

    /// The text; empty when it is absent.
    #[inline]
    pub(crate) fn get(&self, which: HeadText) -> &str {
        match self.unchecked(which) {
            [] => "",
            bytes => std::str::from_utf8(bytes).unwrap_or_default(),
        }
    }

    /// The bytes of the text, which need not be UTF-8. They suffice to compare it with another.
    #[inline]
    pub(crate) fn unchecked(&self, which: HeadText) -> &[u8] {
        let (start, end) = self.places[which as usize];
        let bytes = self.bytes.get(start as usize..end as usize);
        bytes.unwrap_or_default()
    }

    /// Removes all texts. Keeps at most `kept` bytes of memory.
    pub(crate) fn clear(&mut self, kept: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(kept);
        self.places = Default::default();
    }

    fn note(&mut self, which: HeadText, start: usize) {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.places[which as usize] = (place(start), place(self.bytes.len()));
    }
}

/// A header's value as text, cut off at the limit.
pub(crate) fn header_text(value: &HeaderValue, limit: usize) -> Cow<'_, str> {
    let mut text = String::from_utf8_lossy(value.as_bytes());
    if text.len() > limit {
        let end = text.floor_char_boundary(limit);
        match &mut text {
            Cow::Borrowed(text) => *text = &text[..end],
            Cow::Owned(text) => text.truncate(end),
        }
    }
    text
}

/// At most `limit` bytes of a text, without a partial character at the end.
fn first(text: &[u8], limit: usize) -> &[u8] {
    if text.len() <= limit {
        return text;
    }
    let is_inside_character = |at: &usize| text[*at] & 0b1100_0000 == 0b1000_0000;
    let end = (0..=limit).rev().find(|at| !is_inside_character(at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_apart_and_cut_off_at_characters() {
        let mut texts = HeadTexts::default();
        texts.set(HeadText::Path, "/straße".as_bytes(), 6);
        texts.write(HeadText::Query, 3, |text| {
            text.extend_from_slice("a=äöü".as_bytes())
        });
        texts.set(HeadText::Host, b"toys.example", 1024);
        texts.set(HeadText::TraceState, b"\xff", 1024);
        assert_eq!(texts.get(HeadText::Path), "/stra");
        assert_eq!(texts.get(HeadText::Query), "a=");
        assert_eq!(texts.get(HeadText::Host), "toys.example");
        assert_eq!(texts.get(HeadText::UserAgent), "");
        assert_eq!(texts.get(HeadText::TraceState), "");
        texts.clear(8);
        assert_eq!(texts.get(HeadText::Path), "");
    }
}
