//! The summary of an SQL text.

use std::iter::Peekable;

use super::lexer::{Lexer, Token, TokenKind};

/// The operations of `text` and what they work on, in the order of the text: `SELECT toys`,
/// `INSERT orders SELECT baskets`.
pub(in crate::client) fn summarize(text: &str) -> String {
    let mut reader = Reader::new();
    let mut tokens = Lexer(text)
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment))
        .peekable();
    while let Some(token) = tokens.next() {
        reader.read(token, &mut tokens);
    }
    reader.summary.0
}

/// Reads a text token by token, and tells which of its names are tables.
struct Reader<'a> {
    summary: Summary,
    place: Place,
    /// Whether a query has begun, at each depth of parentheses: only there is a `FROM` followed by
    /// tables, and not so in `EXTRACT(YEAR FROM paid_at)`.
    in_query: Vec<bool>,
    previous: &'a str,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first word of a statement.
    Start,
    /// Before a table, after `UPDATE`, `INTO`, `TABLE` or `JOIN`.
    BeforeTable,
    /// Before a table in the list after `FROM`.
    BeforeListed,
    /// After a table in that list; a comma announces the next one.
    AfterListed,
    /// Where names are not tables.
    Elsewhere,
}

/// What a word means for the summary.
enum Keyword {
    /// `SELECT`, `INSERT` or `DELETE`: a `FROM` after it is followed by tables.
    Query,
    Update,
    From,
    /// The next name is a table.
    BeforeTable,
    /// It may stand between a keyword and its table.
    Filler,
    /// What follows are no tables.
    AfterTables,
}

impl<'a> Reader<'a> {
    fn new() -> Self {
        Self {
            summary: Summary::default(),
            place: Place::Start,
            in_query: vec![false],
            previous: "",
        }
    }

    /// Reads `token`, and takes from `rest` what belongs to the same name.
    fn read(&mut self, token: Token<'a>, rest: &mut Peekable<impl Iterator<Item = Token<'a>>>) {
        match token.text {
            "(" => {
                self.in_query.push(false);
                self.place = self.place.after_tables();
            }
            ")" if self.in_query.len() > 1 => {
                self.in_query.pop();
                self.place = self.place.after_tables();
            }
            ";" => {
                self.in_query = vec![false];
                self.place = Place::Start;
            }
            "," => self.place = self.place.after_comma(),
            _ if self.place == Place::Start => self.begin(token),
            _ => self.go_on(token, rest),
        }
        self.previous = token.text;
    }

    /// Begins a statement, if `token` is a word.
    fn begin(&mut self, token: Token<'a>) {
        if token.kind != TokenKind::Word {
            return;
        }
        self.in_query = vec![token.is(&["SELECT", "DELETE"])];
        self.place = if token.is(&["UPDATE"]) {
            Place::BeforeTable
        } else {
            Place::Elsewhere
        };
        if !token.is(&["WITH"]) {
            self.summary.push(&token.text.to_ascii_uppercase());
        }
    }

    /// Reads a token inside a statement.
    fn go_on(&mut self, token: Token<'a>, rest: &mut Peekable<impl Iterator<Item = Token<'a>>>) {
        match self.keyword(token) {
            Some(Keyword::Query) => {
                if let Some(in_query) = self.in_query.last_mut() {
                    *in_query = true;
                }
                self.place = self.place.outside_list();
                self.summary.push(&token.text.to_ascii_uppercase());
            }
            Some(Keyword::Update) => {
                self.place = self.place.before_table();
                self.summary.push("UPDATE");
            }
            Some(Keyword::From) => {
                let in_query = self.in_query.last() == Some(&true);
                self.place = if in_query && !self.is_after(&["DISTINCT"]) {
                    Place::BeforeListed
                } else {
                    Place::Elsewhere
                };
            }
            Some(Keyword::BeforeTable) => self.place = self.place.before_table(),
            Some(Keyword::Filler) => {}
            // It is a table even if it is named like one of the keywords that come after tables.
            Some(Keyword::AfterTables) | None if self.is_table(token) => {
                self.summary.push(&whole_name(token, rest));
                self.place = self.place.after_table();
            }
            Some(Keyword::AfterTables) => self.place = Place::Elsewhere,
            None => {}
        }
    }

    fn keyword(&self, token: Token<'a>) -> Option<Keyword> {
        if token.is(&["SELECT", "INSERT"]) || (token.is(&["DELETE"]) && !self.is_after(&["ON"])) {
            Some(Keyword::Query)
        } else if token.is(&["UPDATE"]) && !self.is_after(&["FOR", "DO", "ON", "KEY", "OR"]) {
            Some(Keyword::Update)
        } else if token.is(&["FROM"]) {
            Some(Keyword::From)
        } else if token.is(&["INTO", "TABLE", "JOIN"]) {
            Some(Keyword::BeforeTable)
        } else if token.is(&FILLERS) {
            Some(Keyword::Filler)
        } else if token.is(&AFTER_TABLES) {
            Some(Keyword::AfterTables)
        } else {
            None
        }
    }

    fn is_after(&self, words: &[&str]) -> bool {
        words
            .iter()
            .any(|word| self.previous.eq_ignore_ascii_case(word))
    }

    fn is_table(&self, token: Token<'a>) -> bool {
        matches!(self.place, Place::BeforeTable | Place::BeforeListed)
            && matches!(token.kind, TokenKind::Word | TokenKind::Quoted)
    }
}

/// What may stand between a keyword and its table, as in `INSERT OR REPLACE INTO` and
/// `DROP TABLE IF EXISTS`.
const FILLERS: [&str; 11] = [
    "OR", "REPLACE", "IGNORE", "ABORT", "FAIL", "ROLLBACK", "IF", "NOT", "EXISTS", "ONLY",
    "LATERAL",
];

/// What begins the part of a statement that comes after its tables.
const AFTER_TABLES: [&str; 8] = [
    "WHERE", "SET", "VALUES", "ORDER", "GROUP", "LIMIT", "ON", "UNION",
];

impl Place {
    /// A table follows.
    fn before_table(self) -> Self {
        match self {
            Self::BeforeListed | Self::AfterListed => Self::BeforeListed,
            Self::Start | Self::BeforeTable | Self::Elsewhere => Self::BeforeTable,
        }
    }

    /// A table was read.
    fn after_table(self) -> Self {
        match self {
            Self::BeforeListed => Self::AfterListed,
            _ => Self::Elsewhere,
        }
    }

    fn after_comma(self) -> Self {
        match self {
            Self::Start => Self::Start,
            Self::BeforeListed | Self::AfterListed => Self::BeforeListed,
            Self::BeforeTable | Self::Elsewhere => Self::Elsewhere,
        }
    }

    /// No further table of a list follows.
    fn outside_list(self) -> Self {
        match self {
            Self::BeforeListed => Self::BeforeTable,
            Self::AfterListed => Self::Elsewhere,
            other => other,
        }
    }

    /// No table follows; a statement that has not begun has still to begin.
    fn after_tables(self) -> Self {
        match self {
            Self::Start => Self::Start,
            _ => Self::Elsewhere,
        }
    }
}

/// The name that begins with `first`, with the schema that it may be in: `main.toys`.
fn whole_name<'a>(
    first: Token<'a>,
    rest: &mut Peekable<impl Iterator<Item = Token<'a>>>,
) -> String {
    let mut name = first.text.to_owned();
    while let Some(dot) = rest.next_if(|next| next.text == ".") {
        name.push_str(dot.text);
        if let Some(part) = rest.next() {
            name.push_str(part.text);
        }
    }
    name
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

#[cfg(test)]
mod tests {
    use super::*;

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
        check("SELECT 1 FROM a; SELECT 2 FROM b, c", "SELECT a SELECT b c");
        check(
            "(SELECT x FROM a) UNION SELECT y FROM b",
            "SELECT a SELECT b",
        );
        check(
            "SELECT * FROM a JOIN b ON a.x = b.x, c WHERE a.y IN (d, e)",
            "SELECT a b",
        );
        check("SELECT * FROM a CROSS JOIN b, c", "SELECT a b c");
        check("UPDATE a SET x = b.x FROM b WHERE a.id = b.id", "UPDATE a");
        check(
            "CREATE TABLE a (b INTEGER REFERENCES c ON DELETE CASCADE ON UPDATE SET NULL)",
            "CREATE a",
        );
        check(
            "SELECT * FROM ONLY \"order\" , values",
            "SELECT \"order\" values",
        );
        check("TRUNCATE TABLE a, b", "TRUNCATE a");
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
