//! SQL in tokens: what SQLite and PostgreSQL call a literal, an identifier and a comment. Nothing here
//! needs a grammar beyond that.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword, a name or a placeholder (`$1`, `?1`, `:name`, `@name`).
    Word,
    /// A name in quotes.
    Quoted,
    /// A number or a string.
    Literal,
    Comment,
    Space,
    Symbol,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
}

impl Token<'_> {
    /// Whether it is one of these keywords, in upper or lower case.
    pub(super) fn is(&self, words: &[&str]) -> bool {
        self.kind == TokenKind::Word
            && words
                .iter()
                .any(|word| self.text.eq_ignore_ascii_case(word))
    }
}

/// Splits a text into tokens that, put together, are the text.
pub(super) struct Lexer<'a>(pub(super) &'a str);

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let (kind, length) = next_token(self.0)?;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(Token { kind, text })
    }
}

/// The kind and the length in bytes of the token that `text` begins with. A token that is not
/// ended reaches to the end of the text.
fn next_token(text: &str) -> Option<(TokenKind, usize)> {
    let first = text.chars().next()?;
    let token = match first {
        _ if text.starts_with("--") => (TokenKind::Comment, text.find('\n').unwrap_or(text.len())),
        _ if text.starts_with("/*") => (TokenKind::Comment, end_after(text, 2, "*/")),
        '\'' => (TokenKind::Literal, end_of_string(text, 1, false)),
        '"' => (TokenKind::Quoted, end_after(text, 1, "\"")),
        '`' => (TokenKind::Quoted, end_after(text, 1, "`")),
        '$' => match dollar_quote(text) {
            Some(quote) => (TokenKind::Literal, end_after(text, quote.len(), quote)),
            None => (TokenKind::Word, 1 + length_while(&text[1..], is_word)),
        },
        '?' | ':' | '@' => (TokenKind::Word, 1 + length_while(&text[1..], is_word)),
        _ if first.is_ascii_digit() => (TokenKind::Literal, end_of_number(text)),
        '.' if text[1..].starts_with(|next: char| next.is_ascii_digit()) => {
            (TokenKind::Literal, end_of_number(text))
        }
        _ if first.is_whitespace() => (TokenKind::Space, length_while(text, char::is_whitespace)),
        _ if is_word(first) => {
            let length = length_while(text, is_word);
            match &text[..length] {
                // A string with escapes, bits, bytes, or national characters.
                prefix @ ("e" | "E" | "b" | "B" | "x" | "X" | "n" | "N")
                    if text[length..].starts_with('\'') =>
                {
                    let escapes = prefix.eq_ignore_ascii_case("e");
                    (TokenKind::Literal, end_of_string(text, length + 1, escapes))
                }
                _ => (TokenKind::Word, length),
            }
        }
        _ => (TokenKind::Symbol, first.len_utf8()),
    };
    Some(token)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

fn length_while(text: &str, matches: impl Fn(char) -> bool) -> usize {
    text.find(|character| !matches(character))
        .unwrap_or(text.len())
}

/// Behind the first `end` that follows the opening of length `opening`.
fn end_after(text: &str, opening: usize, end: &str) -> usize {
    text[opening..]
        .find(end)
        .map_or(text.len(), |found| opening + found + end.len())
}

/// Behind the quote that ends the string; a doubled quote does not.
fn end_of_string(text: &str, opening: usize, backslash_escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut position = opening;
    while position < bytes.len() {
        match bytes[position] {
            b'\\' if backslash_escapes => position += 2,
            b'\'' if bytes.get(position + 1) == Some(&b'\'') => position += 2,
            b'\'' => return position + 1,
            _ => position += 1,
        }
    }
    text.len()
}

/// Decimal, hexadecimal, with a fraction or an exponent.
fn end_of_number(text: &str) -> usize {
    let mut previous = ' ';
    let hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    length_while_with(text, |character| {
        let goes_on = character.is_ascii_alphanumeric()
            || matches!(character, '.' | '_')
            || (matches!(character, '+' | '-') && matches!(previous, 'e' | 'E') && !hexadecimal);
        previous = character;
        goes_on
    })
}

fn length_while_with(text: &str, mut matches: impl FnMut(char) -> bool) -> usize {
    text.find(|character| !matches(character))
        .unwrap_or(text.len())
}

/// The `$tag$` that begins a string in PostgreSQL, if `text` begins with one.
fn dollar_quote(text: &str) -> Option<&str> {
    let tag = length_while(&text[1..], |it| it.is_alphanumeric() || it == '_');
    let starts_like_a_name = !text[1..].starts_with(|it: char| it.is_ascii_digit());
    (starts_like_a_name && text[1 + tag..].starts_with('$')).then(|| &text[..tag + 2])
}
