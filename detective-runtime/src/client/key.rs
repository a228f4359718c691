//! The part of a cache key that a span shows.

/// The part before the first `:`, if it looks like a name, and `?` for the rest, which may identify
/// a person. `user:42` becomes `user:?`, `42` becomes `?`.
pub(crate) fn key_pattern(key: &str) -> String {
    match key.split_once(':') {
        Some((name, _)) if is_name(name) => format!("{name}:?"),
        _ => "?".to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.');
    !text.is_empty() && text.bytes().all(is_name_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_without_what_identifies_a_person() {
        let check = |key: &str, expected: &str| assert_eq!(key_pattern(key), expected);
        check("user:42", "user:?");
        check("store.toys:42:stock", "store.toys:?");
        check("42", "?");
        check("alice@example.org:profile", "?");
        check("42:user", "?");
        check(":x", "?");
    }
}
