//! The texts of a request's head.

use super::truncate;

/// The texts that are copied from a request's head, one after the other in one piece of memory: a
/// request then touches one allocation instead of one for each text.
#[derive(Debug, Default)]
pub(crate) struct HeadTexts {
    text: String,
    /// Start and end of each; empty for one that is not there.
    places: [(u32, u32); HeadText::COUNT],
}

/// Which of the texts.
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
    /// Notes at most `limit` bytes of `text`.
    pub(crate) fn set(&mut self, which: HeadText, text: &str, limit: usize) {
        let start = self.text.len();
        if text.len() <= limit {
            self.text.push_str(text);
        } else {
            self.text.push_str(&text[..text.floor_char_boundary(limit)]);
        }
        self.note(which, start);
    }

    /// Notes at most `limit` bytes of what `write` appends to the text that it is given.
    pub(crate) fn write<R>(
        &mut self,
        which: HeadText,
        limit: usize,
        write: impl FnOnce(&mut String) -> R,
    ) -> R {
        let start = self.text.len();
        let result = write(&mut self.text);
        truncate(&mut self.text, start.saturating_add(limit));
        self.note(which, start);
        result
    }

    /// The text; empty when it is not there.
    pub(crate) fn get(&self, which: HeadText) -> &str {
        let (start, end) = self.places[which as usize];
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// Forgets all of them, and keeps the room unless it has grown beyond `kept` bytes.
    pub(crate) fn clear(&mut self, kept: usize) {
        self.text.clear();
        self.text.shrink_to(kept);
        self.places = Default::default();
    }

    fn note(&mut self, which: HeadText, start: usize) {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.places[which as usize] = (place(start), place(self.text.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_apart_and_cut_off_at_characters() {
        let mut texts = HeadTexts::default();
        texts.set(HeadText::Path, "/straße", 6);
        texts.write(HeadText::Query, 3, |text| text.push_str("a=äöü"));
        texts.set(HeadText::Host, "toys.example", 1024);
        assert_eq!(texts.get(HeadText::Path), "/stra");
        assert_eq!(texts.get(HeadText::Query), "a=");
        assert_eq!(texts.get(HeadText::Host), "toys.example");
        assert_eq!(texts.get(HeadText::UserAgent), "");
        texts.clear(8);
        assert_eq!(texts.get(HeadText::Path), "");
    }
}
