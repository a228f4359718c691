//! What a span shows of an SQL text: the text without its literals, and a summary of few words.
//!
//! Both follow OpenTelemetry's database conventions 1.44.

mod lexer;
mod summary;

use lexer::{Lexer, TokenKind};

pub(super) use summary::summarize;

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
}
