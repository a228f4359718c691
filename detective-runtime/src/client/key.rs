//! What a span shows of a key in a cache.

/// What may be shown of a key: its part before the first `:`, if that looks like a name, and `?`
/// for the rest, which tells people apart. `user:42` is `user:?`, `42` is `?`.
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
    fn keys_are_shown_without_what_tells_people_apart() {
        let check = |key: &str, expected: &str| assert_eq!(key_pattern(key), expected);
        check("user:42", "user:?");
        check("store.toys:42:stock", "store.toys:?");
        check("42", "?");
        check("alice@example.org:profile", "?");
        check("42:user", "?");
        check(":x", "?");
    }
}
