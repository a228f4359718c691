//! Patterns: texts in which `*` stands for any text, slashes and colons too.

/// What a pattern for routes looks like, to follow "expected".
pub(crate) const ROUTE: &str =
    "a route such as \"/users/{user_id}\", where `*` matches any text, as in \"/users/*\"";

/// What a pattern for functions looks like, to follow "expected".
pub(crate) const FUNCTION: &str =
    "a path such as \"store::users::get_user\", where `*` matches any text, as in \"store::*\"";

/// Whether a text is matched by a pattern. A text always matches itself, so that the template
/// `/static/{*path}` can be named as it is.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    if pattern == text {
        return true;
    }
    let Some((first, rest)) = pattern.split_once('*') else {
        return false;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces = rest.split('*');
    let last = pieces.next_back().unwrap_or_default();
    // The earliest place for every piece in the middle leaves the most room for the others.
    for piece in pieces {
        match text.find(piece) {
            Some(start) => text = &text[start + piece.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

/// How closely a pattern that matches `text` describes it; the larger, the closer. An exact text
/// comes first, then the pattern with the longest literal text, then the one with fewer `*`.
pub(crate) fn specificity(pattern: &str, text: &str) -> impl Ord + use<> {
    let stars = pattern.matches('*').count();
    let literal = pattern.len() - stars;
    (pattern == text, literal, std::cmp::Reverse(stars))
}

/// Whether this can be a pattern for route templates or paths: it begins with `/` or `*`, has no
/// query, no blanks, and none of the `:name` that axum wrote as `{name}` until 0.7.
pub(crate) fn is_route(pattern: &str) -> bool {
    pattern.starts_with(['/', '*'])
        && !pattern.contains("/:")
        && !pattern.contains(|c: char| c == '?' || c.is_whitespace() || c.is_control())
}

/// Whether this can be a pattern for function paths: identifiers, `::` and `*`.
pub(crate) fn is_function(pattern: &str) -> bool {
    let known = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '*' | '<' | '>' | '#');
    !pattern.is_empty() && pattern.chars().all(known) && !pattern.replace("::", "").contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, matched: &[&str], unmatched: &[&str]) {
        for text in matched {
            assert!(matches(pattern, text), "`{pattern}` should match `{text}`");
        }
        for text in unmatched {
            assert!(
                !matches(pattern, text),
                "`{pattern}` should not match `{text}`"
            );
        }
    }

    #[test]
    fn star_stands_for_any_text() {
        check(
            "/users/*",
            &["/users/", "/users/1", "/users/1/toys"],
            &["/users", "/user/1"],
        );
        check(
            "*::get_*",
            &["store::users::get_user", "::get_"],
            &["store::users::put_user"],
        );
        check("*", &["", "/", "anything"], &[]);
        check("/a*b*c", &["/abc", "/a/b/b/c"], &["/ac", "/acb"]);
        check("aa*aa", &["aaaa", "aa-aa"], &["aaa"]);
    }

    #[test]
    fn text_matches_itself() {
        check(
            "/static/{*path}",
            &["/static/{*path}"],
            &["/static/{path}x"],
        );
        check("/users", &["/users"], &["/users/", "/user"]);
        check("", &[""], &["/"]);
    }

    #[test]
    fn wrong_patterns_are_told_from_right_ones() {
        assert!(is_route("/users/{user_id}") && is_route("*") && is_route("/static/{*rest}"));
        assert!(
            !is_route("users") && !is_route("/users/:id") && !is_route("/a?b") && !is_route("")
        );
        assert!(is_function("store::users::*") && is_function("*") && is_function("main"));
        assert!(!is_function("store.users") && !is_function("store:users") && !is_function(""));
    }
}
