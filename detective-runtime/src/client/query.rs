//! What a span shows of an SQL text: the text without its literals, and a summary of few words.
//!
//! Both follow OpenTelemetry's database conventions 1.44. The lexer knows what SQLite and PostgreSQL
//! call a literal, an identifier and a comment; it needs no grammar beyond that.

/// `text` with every literal replaced by `?`, and without comments, which may hold anything.
pub(super) fn sanitize(text: &str) -> String {
    let mut sanitized = String::with_capacity(text.len());
    for token in Lexer(text) {
        match token.kind {
            TokenKind::Literal => sanitized.push('?'),
            TokenKind::Comment => sanitized.push(' '),
            TokenKind::Word | TokenKind::Quoted | TokenKind::Space | TokenKind::Symbol => {
                sanitized.push_str(token.text);
            }
        }
    }
    sanitized.truncate(sanitized.trim_end().len());
    sanitized
}

/// The operations of `text` and what they work on, in the order of the text: `SELECT toys`,
/// `INSERT orders SELECT baskets`.
pub(super) fn summarize(text: &str) -> String {
    let mut summary = Summary::default();
    let mut tokens = Lexer(text)
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment))
        .peekable();
    // Whether a query has begun at each depth of parentheses: only there is a `FROM` followed by
    // tables, and not so in `EXTRACT(YEAR FROM paid_at)`.
    let mut in_query = vec![false];
    let mut statement_begins = true;
    let mut table_follows = false;
    let mut in_tables = false;
    let mut previous = "";
    while let Some(token) = tokens.next() {
        let is =
            |word: &str| token.kind == TokenKind::Word && token.text.eq_ignore_ascii_case(word);
        let after = |words: &[&str]| words.iter().any(|word| previous.eq_ignore_ascii_case(word));
        match token.text {
            "(" => {
                in_query.push(false);
                (table_follows, in_tables) = (false, false);
            }
            ")" if in_query.len() > 1 => {
                in_query.pop();
                (table_follows, in_tables) = (false, false);
            }
            ";" => {
                in_query = vec![false];
                statement_begins = true;
                (table_follows, in_tables) = (false, false);
            }
            "," => table_follows = in_tables,
            _ if statement_begins && token.kind == TokenKind::Word => {
                statement_begins = false;
                in_query = vec![is("SELECT") || is("DELETE")];
                table_follows = is("UPDATE");
                if !is("WITH") {
                    summary.push(&token.text.to_ascii_uppercase());
                }
            }
            _ if is("SELECT") || is("INSERT") || (is("DELETE") && !after(&["ON"])) => {
                if let Some(here) = in_query.last_mut() {
                    *here = true;
                }
                in_tables = false;
                summary.push(&token.text.to_ascii_uppercase());
            }
            _ if is("UPDATE") && !after(&["FOR", "DO", "ON", "KEY", "OR"]) => {
                summary.push("UPDATE");
                table_follows = true;
            }
            _ if is("FROM") => {
                let tables = in_query.last() == Some(&true) && !after(&["DISTINCT"]);
                (table_follows, in_tables) = (tables, tables);
            }
            _ if is("INTO") || is("TABLE") || is("JOIN") => table_follows = true,
            // What may stand between a keyword and its table.
            _ if [
                "OR", "REPLACE", "IGNORE", "ABORT", "FAIL", "ROLLBACK", "IF", "NOT",
            ]
            .iter()
            .chain(&["EXISTS", "ONLY", "LATERAL"])
            .any(|word| is(word)) => {}
            _ if table_follows && matches!(token.kind, TokenKind::Word | TokenKind::Quoted) => {
                let mut table = token.text.to_owned();
                while let Some(dot) = tokens.next_if(|next| next.text == ".") {
                    table.push_str(dot.text);
                    if let Some(part) = tokens.next() {
                        table.push_str(part.text);
                    }
                }
                summary.push(&table);
                table_follows = false;
            }
            _ if [
                "WHERE", "SET", "VALUES", "ORDER", "GROUP", "LIMIT", "ON", "UNION",
            ]
            .iter()
            .any(|word| is(word)) =>
            {
                (table_follows, in_tables) = (false, false);
            }
            _ => {}
        }
        previous = token.text;
    }
    summary.0
}

/// The convention's limit for a summary, which is cut between words.
const LONGEST_SUMMARY: usize = 255;

#[derive(Default)]
struct Summary(String);

impl Summary {
    fn push(&mut self, word: &str) {
        let separator = usize::from(!self.0.is_empty());
        if self.0.len() + separator + word.len() <= LONGEST_SUMMARY {
            if separator == 1 {
                self.0.push(' ');
            }
            self.0.push_str(word);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
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
struct Token<'a> {
    kind: TokenKind,
    text: &'a str,
}

/// Splits a text into tokens that, put together, are the text.
struct Lexer<'a>(&'a str);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_become_question_marks() {
        let check = |text: &str, expected: &str| assert_eq!(sanitize(text), expected);
        check(
            "SELECT * FROM toys WHERE id = 17 AND name = 'it''s'",
            "SELECT * FROM toys WHERE id = ? AND name = ?",
        );
        check(
            "VALUES (-1, 1.5e-3, .5, 0xFF, 1e+9, 7)",
            "VALUES (-?, ?, ?, ?, ?, ?)",
        );
        check("SELECT t1.a2 FROM t1", "SELECT t1.a2 FROM t1");
        check(
            "WHERE a = $1 AND b = ?2 AND c = :id",
            "WHERE a = $1 AND b = ?2 AND c = :id",
        );
        check(r"SELECT E'it\'s', x'00ff', 'a\'", "SELECT ?, ?, ?");
        check(
            "SELECT $$a'b$$, $tag$ $$ $tag$, $1::int",
            "SELECT ?, ?, $1::int",
        );
        check(r#"SELECT "it's" FROM `a 1`"#, r#"SELECT "it's" FROM `a 1`"#);
        check(
            "SELECT 1 -- password 'x'\nFROM a /* 5 */",
            "SELECT ?  \nFROM a",
        );
        check("SELECT 'never ended", "SELECT ?");
        check("SELECT 'ü', ü FROM größe", "SELECT ?, ü FROM größe");
        check(r"SELECT E'\", "SELECT ?");
        check("", "");
    }

    #[test]
    fn summaries_name_operations_and_tables() {
        let check = |text: &str, expected: &str| assert_eq!(summarize(text), expected, "{text}");
        check("SELECT id, name FROM toys WHERE id = ?", "SELECT toys");
        check(
            "select * from toys t, shops as s where 1",
            "SELECT toys shops",
        );
        check(
            "INSERT INTO orders (toy) VALUES (?) RETURNING id",
            "INSERT orders",
        );
        check(
            "INSERT OR REPLACE INTO orders VALUES (1, 2)",
            "INSERT orders",
        );
        check(
            "INSERT INTO a (x) VALUES (1) ON CONFLICT (x) DO UPDATE SET x = 2",
            "INSERT a",
        );
        check(
            "UPDATE toys SET stock = stock - 1 WHERE id = ?",
            "UPDATE toys",
        );
        check("DELETE FROM toys", "DELETE toys");
        check(
            "SELECT * FROM a JOIN main.b ON a.x = b.x LEFT JOIN \"c d\" USING (x)",
            "SELECT a main.b \"c d\"",
        );
        check(
            "INSERT INTO archive SELECT * FROM toys WHERE id IN (SELECT toy FROM sold)",
            "INSERT archive SELECT toys SELECT sold",
        );
        check(
            "WITH best AS (SELECT * FROM toys) SELECT * FROM best",
            "SELECT toys SELECT best",
        );
        check(
            "SELECT EXTRACT(YEAR FROM paid_at), a IS DISTINCT FROM b FROM orders FOR UPDATE",
            "SELECT orders",
        );
        check(
            "CREATE TABLE IF NOT EXISTS toys (id INTEGER, name TEXT)",
            "CREATE toys",
        );
        check("DROP TABLE toys; BEGIN", "DROP toys BEGIN");
        check("PRAGMA journal_mode = WAL", "PRAGMA");
        check("-- a comment\n  SELECT 1", "SELECT");
        check("REPLACE INTO toys VALUES (1)", "REPLACE toys");
        check("SELECT * FROM (SELECT 1), b", "SELECT SELECT");
        check("))) ,,, ..", "");
        check("", "");
    }

    #[test]
    fn a_summary_is_cut_between_words() {
        let text = format!("SELECT * FROM {}", vec!["some_table"; 100].join(", "));
        let summary = summarize(&text);
        assert!(summary.len() <= 255 && summary.ends_with(" some_table"));
    }
}
