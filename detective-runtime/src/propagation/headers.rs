//! W3C trace context, level 2: reads and writes `traceparent` and `tracestate`.
//!
//! Written by hand because it runs for every request, and because the rules are strict: a slightly
//! malformed header must start a new trace instead of joining a different one. The rules are those
//! of <https://www.w3.org/TR/trace-context-2/>. A malformed header never fails the request.

use http::header::{GetAll, HeaderName, HeaderValue};

/// The header that carries the ids.
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The header that carries data of other vendors about the trace.
pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Set when the sender records the trace.
pub(crate) const FLAG_SAMPLED: u8 = 0b01;

/// Set when the lower seven bytes of the trace id are random.
pub(crate) const FLAG_RANDOM: u8 = 0b10;

/// The length of a `traceparent` of version 00.
pub(crate) const TRACEPARENT_LENGTH: usize = 55;

/// Most members that a `tracestate` may have.
const MAX_MEMBERS: usize = 32;

/// A word with the value one in each byte.
const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// The caller's place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RemoteContext {
    /// Never zero.
    pub(crate) trace_id: u128,
    /// The caller's span; never zero.
    pub(crate) parent_id: u64,
    /// [`FLAG_SAMPLED`] and [`FLAG_RANDOM`] as received; all other bits are zero.
    pub(crate) flags: u8,
}

/// Reads the trace context of a request and appends the `tracestate` to `trace_state`.
///
/// `None` means that a new trace starts: `traceparent` is absent, repeated or malformed. The
/// appended text contains the members of all `tracestate` headers in order, without empty members
/// and surrounding white space. A malformed `tracestate` is dropped as a whole; the trace continues
/// without it.
pub(crate) fn extract(
    traceparent: Option<&HeaderValue>,
    trace_states: Option<GetAll<'_, HeaderValue>>,
    trace_state: &mut Vec<u8>,
) -> Option<RemoteContext> {
    let context = parse_traceparent(trim(traceparent?.as_bytes()))?;
    let before = trace_state.len();
    if let Some(values) = trace_states
        && read_trace_state(values, trace_state).is_none()
    {
        trace_state.truncate(before);
    }
    Some(context)
}

/// Writes a `traceparent` of version 00, in visible ASCII.
pub(crate) fn format_traceparent(
    trace_id: u128,
    span_id: u64,
    flags: u8,
) -> [u8; TRACEPARENT_LENGTH] {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    for (group, shift) in text[3..35]
        .as_chunks_mut()
        .0
        .iter_mut()
        .zip([96, 64, 32, 0])
    {
        *group = write_eight((trace_id >> shift) as u32);
    }
    for (group, shift) in text[36..52].as_chunks_mut().0.iter_mut().zip([32, 0]) {
        *group = write_eight((span_id >> shift) as u32);
    }
    text[53..].copy_from_slice(&write_eight(flags.into())[6..]);
    text
}

fn parse_traceparent(text: &[u8]) -> Option<RemoteContext> {
    let (head, tail) = text.split_first_chunk::<TRACEPARENT_LENGTH>()?;
    let [version, trace_id, parent_id, flags] =
        [&head[..2], &head[3..35], &head[36..52], &head[53..]];
    if head[2] != b'-' || head[35] != b'-' || head[52] != b'-' {
        return None;
    }
    // Only the digits, padded with zeros to a length that suits the processor.
    let mut digits = [b'0'; 64];
    digits[..32].copy_from_slice(trace_id);
    digits[32..48].copy_from_slice(parent_id);
    digits[48..50].copy_from_slice(version);
    digits[50..52].copy_from_slice(flags);
    let bytes = read_hex(&digits)?;
    let (ids, rest) = bytes.split_first_chunk::<16>()?;
    let (parent_id, rest) = rest.split_first_chunk::<8>()?;
    let (trace_id, parent_id) = (u128::from_be_bytes(*ids), u64::from_be_bytes(*parent_id));
    let [version, flags, ..] = *rest else {
        return None;
    };
    if version == 0xff || trace_id == 0 || parent_id == 0 {
        return None;
    }
    // A later version may append fields. Only the dash before them is known.
    let ends_well = match tail.first() {
        None => true,
        Some(next) => version != 0 && *next == b'-',
    };
    ends_well.then_some(RemoteContext {
        trace_id,
        parent_id,
        flags: flags & (FLAG_SAMPLED | FLAG_RANDOM),
    })
}

/// Reads lower-case hexadecimal digits. Each loop does the same to every byte and never branches,
/// so that the compiler can use vector instructions. A look-up for each digit would take several
/// times as many instructions.
fn read_hex(digits: &[u8; 64]) -> Option<[u8; 32]> {
    let mut values = [0; 64];
    let mut faults = 0;
    for (value, digit) in values.iter_mut().zip(digits) {
        let numeral = digit.wrapping_sub(b'0');
        let letter = digit.wrapping_sub(b'a');
        let is_numeral = numeral < 10;
        faults |= u8::from(!is_numeral & (letter >= 6));
        *value = if is_numeral {
            numeral
        } else {
            letter.wrapping_add(10)
        };
    }
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(values.as_chunks::<2>().0) {
        *byte = high << 4 | low;
    }
    (faults == 0).then_some(bytes)
}

/// Writes lower-case hexadecimal digits, eight at once, one in each byte of a word.
#[inline]
fn write_eight(number: u32) -> [u8; 8] {
    let number = u64::from(number);
    let halves = (number << 16 | number) & 0x0000_ffff_0000_ffff;
    let bytes = (halves << 8 | halves) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (bytes << 4 | bytes) & (ONES * 0x0f);
    let letters = ((nibbles + ONES * 6) >> 4) & ONES;
    (nibbles + ONES * 0x30 + letters * 0x27).to_be_bytes()
}

fn read_trace_state(values: GetAll<'_, HeaderValue>, trace_state: &mut Vec<u8>) -> Option<()> {
    let mut members = 0;
    for value in values {
        for member in value.to_str().ok()?.split(',') {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            members += 1;
            if members > MAX_MEMBERS || !is_key(key.as_bytes()) || !is_value(value.as_bytes()) {
                return None;
            }
            if members > 1 {
                trace_state.push(b',');
            }
            trace_state.extend_from_slice(member.as_bytes());
        }
    }
    Some(())
}

/// Whether this is a `name` of up to 256 characters, or a `tenant@system` of up to 241 and 14.
fn is_key(key: &[u8]) -> bool {
    fn is_name(name: &[u8], max_length: usize) -> bool {
        name.len() <= max_length
            && name
                .iter()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
    }
    let starts_with_letter = |name: &[u8]| name.first().is_some_and(u8::is_ascii_lowercase);

    match key.iter().position(|byte| *byte == b'@') {
        None => starts_with_letter(key) && is_name(key, 256),
        Some(at) => {
            let (tenant, system) = (&key[..at], &key[at + 1..]);
            tenant.first().is_some_and(u8::is_ascii_alphanumeric)
                && is_name(tenant, 241)
                && starts_with_letter(system)
                && is_name(system, 14)
        }
    }
}

/// Whether this has 1 to 256 printable characters and no `=`. The caller has split at `,` and
/// trimmed blanks.
fn is_value(value: &[u8]) -> bool {
    let is_printable = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'=';
    !value.is_empty() && value.len() <= 256 && value.iter().all(is_printable)
}

/// Removes the optional white space of RFC 9110 at both ends.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::HeaderMap;

    use super::*;

    const TRACE_ID: u128 = 0x1234_5678_9012_3456_7890_1234_5678_9012;
    const PARENT_ID: u64 = 0x1234_5678_9012_3456;
    const VALID: &str = "00-12345678901234567890123456789012-1234567890123456-01";

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn read(headers: &HeaderMap, trace_state: &mut String) -> Option<RemoteContext> {
        let mut bytes = Vec::new();
        let context = extract(
            headers.get(&TRACEPARENT),
            Some(headers.get_all(&TRACESTATE)),
            &mut bytes,
        );
        *trace_state = String::from_utf8(bytes).unwrap();
        context
    }

    #[track_caller]
    fn check_traceparent(value: &str, expected_flags: Option<u8>) {
        let headers = headers(&[("traceparent", value), ("tracestate", "foo=1")]);
        let mut trace_state = String::new();
        let expected = expected_flags.map(|flags| RemoteContext {
            trace_id: TRACE_ID,
            parent_id: PARENT_ID,
            flags,
        });
        assert_eq!(read(&headers, &mut trace_state), expected, "`{value}`");
        let expected_state = if expected.is_some() { "foo=1" } else { "" };
        assert_eq!(trace_state, expected_state, "`{value}`");
    }

    #[track_caller]
    fn check_tracestate(values: &[&str], expected: &str) {
        let mut list = vec![("traceparent", VALID)];
        list.extend(values.iter().map(|value| ("tracestate", *value)));
        let mut trace_state = String::new();
        let context = read(&headers(&list), &mut trace_state);
        assert_eq!(context.unwrap().trace_id, TRACE_ID, "{values:?}");
        assert_eq!(trace_state, expected, "{values:?}");
    }

    #[test]
    fn a_valid_traceparent_is_continued() {
        check_traceparent(VALID, Some(1));
        for (flags, expected) in [("00", 0), ("02", 2), ("03", 3), ("ff", 3), ("fc", 0)] {
            check_traceparent(&format!("{}{flags}", &VALID[..53]), Some(expected));
        }
        for value in [
            " 00-12345678901234567890123456789012-1234567890123456-01",
            "\t00-12345678901234567890123456789012-1234567890123456-01",
            "00-12345678901234567890123456789012-1234567890123456-01 ",
            "00-12345678901234567890123456789012-1234567890123456-01\t",
            "\t 00-12345678901234567890123456789012-1234567890123456-01 \t",
        ] {
            check_traceparent(value, Some(1));
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for value in [
            "cc-12345678901234567890123456789012-1234567890123456-01",
            "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
            "fe-12345678901234567890123456789012-1234567890123456-01-",
        ] {
            check_traceparent(value, Some(1));
        }
        check_traceparent(
            "cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like",
            None,
        );
    }

    #[test]
    fn a_malformed_traceparent_is_ignored_with_its_tracestate() {
        for value in [
            "",
            "00",
            // Data after the end of version 00.
            "00-12345678901234567890123456789012-1234567890123456-01.",
            "00-12345678901234567890123456789012-1234567890123456-01-",
            "00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
            // The version.
            "ff-12345678901234567890123456789012-1234567890123456-01",
            ".0-12345678901234567890123456789012-1234567890123456-01",
            "0.-12345678901234567890123456789012-1234567890123456-01",
            "000-12345678901234567890123456789012-1234567890123456-01",
            "0000-12345678901234567890123456789012-1234567890123456-01",
            "0-12345678901234567890123456789012-1234567890123456-01",
            "CC-12345678901234567890123456789012-1234567890123456-01",
            // The trace id.
            "00-00000000000000000000000000000000-1234567890123456-01",
            "00-.2345678901234567890123456789012-1234567890123456-01",
            "00-1234567890123456789012345678901.-1234567890123456-01",
            "00-+2345678901234567890123456789012-1234567890123456-01",
            "00-1234567890123456789012345678901A-1234567890123456-01",
            "00-1234567890123456789012345678901g-1234567890123456-01",
            "00-123456789012345678901234567890123-1234567890123456-01",
            "00-1234567890123456789012345678901-1234567890123456-01",
            // The parent id.
            "00-12345678901234567890123456789012-0000000000000000-01",
            "00-12345678901234567890123456789012-.234567890123456-01",
            "00-12345678901234567890123456789012-123456789012345.-01",
            "00-12345678901234567890123456789012-12345678901234567-01",
            "00-12345678901234567890123456789012-123456789012345-01",
            "00-ab-cd-01",
            // The flags.
            "00-12345678901234567890123456789012-1234567890123456-.0",
            "00-12345678901234567890123456789012-1234567890123456-0.",
            "00-12345678901234567890123456789012-1234567890123456-0A",
            "00-12345678901234567890123456789012-1234567890123456-001",
            "00-12345678901234567890123456789012-1234567890123456-1",
            "00-12345678901234567890123456789012-1234567890123456",
            // The dashes, and two values joined into one.
            "00_12345678901234567890123456789012-1234567890123456-01",
            "00-12345678901234567890123456789012_1234567890123456-01",
            "00-12345678901234567890123456789012-1234567890123456_01",
            "00-12345678901234567890123456789012-1234567890123456-01,00-12345678901234567890123456789012-1234567890123456-01",
        ] {
            check_traceparent(value, None);
        }
    }

    #[test]
    fn an_absent_or_a_binary_traceparent_starts_a_new_trace() {
        for list in [
            vec![],
            vec![("tracestate", "foo=1")],
            vec![("trace-parent", VALID), ("tracestate", "foo=1")],
            vec![("trace.parent", VALID)],
        ] {
            let mut trace_state = String::new();
            assert_eq!(read(&headers(&list), &mut trace_state), None, "{list:?}");
            assert_eq!(trace_state, "");
        }
        let mut binary = HeaderMap::new();
        let mut bytes = VALID.as_bytes().to_vec();
        bytes[10] = 0xb1;
        binary.insert(&TRACEPARENT, HeaderValue::from_bytes(&bytes).unwrap());
        assert_eq!(read(&binary, &mut String::new()), None);
    }

    #[test]
    fn tracestate_headers_are_combined_in_order() {
        for (values, expected) in [
            (vec!["foo=1,bar=2"], "foo=1,bar=2"),
            (
                vec!["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
                "foo=1,bar=2,rojo=1,congo=2,baz=3",
            ),
            (vec![""], ""),
            (vec!["foo=1", ""], "foo=1"),
            (vec!["", "foo=1"], "foo=1"),
            (vec![" , ,foo=1,,\t,bar=2,"], "foo=1,bar=2"),
            (vec!["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
            (
                vec!["foo=1\t \t,\t \tbar=2,\t \tbaz=3"],
                "foo=1,bar=2,baz=3",
            ),
            (vec!["\t foo=1 \t"], "foo=1"),
            (vec!["foo= 1 2"], "foo= 1 2"),
            // A repeated key does not invalidate the other members.
            (vec!["foo=1,foo=1"], "foo=1,foo=1"),
            (vec!["foo=1", "foo=2"], "foo=1,foo=2"),
        ] {
            check_tracestate(&values, expected);
        }
    }

    #[test]
    fn tracestate_takes_every_allowed_character() {
        let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
        let value: String = (' '..='~').filter(|c| !",=".contains(*c)).collect();
        for member in [
            format!("{key}={value}"),
            format!("{key}@a-z0-9_-*/={value}"),
        ] {
            check_tracestate(&[&member], &member);
        }
        check_tracestate(&["0tenant@system=1"], "0tenant@system=1");
    }

    #[test]
    fn a_malformed_tracestate_is_discarded_as_a_whole() {
        for member in [
            "foo =1",
            "FOO=1",
            "foo.bar=1",
            "1foo=1",
            "_foo=1",
            "=1",
            "foo",
            "foo@=1",
            "@foo=1",
            "foo@@bar=1",
            "foo@bar@baz=1",
            "foo@1bar=1",
            "foo=",
            "foo=bar=baz",
            "foo=b\tr",
        ] {
            check_tracestate(&[&format!("{member},bar=2")], "");
            check_tracestate(&["bar=2", member], "");
        }
        let mut binary = headers(&[("traceparent", VALID), ("tracestate", "foo=1")]);
        binary.append(&TRACESTATE, HeaderValue::from_bytes(b"bar=\xe4").unwrap());
        let mut trace_state = String::new();
        assert!(read(&binary, &mut trace_state).is_some());
        assert_eq!(trace_state, "");
    }

    #[test]
    fn tracestate_has_limits() {
        let members = |count: usize| {
            let list: Vec<_> = (0..count)
                .map(|index| format!("bar{index:02}={index}"))
                .collect();
            list.join(",")
        };
        check_tracestate(&[&members(32)], &members(32));
        check_tracestate(&[&members(33)], "");
        check_tracestate(&[&members(32), "foo=1"], "");

        for (key, is_valid) in [
            ("z".repeat(256), true),
            ("z".repeat(257), false),
            (format!("{}@{}", "t".repeat(241), "v".repeat(14)), true),
            (format!("{}@v", "t".repeat(242)), false),
            (format!("t@{}", "v".repeat(15)), false),
        ] {
            let member = format!("{key}=1");
            let expected = if is_valid {
                format!("foo=1,{member}")
            } else {
                String::new()
            };
            check_tracestate(&["foo=1", &member], &expected);
        }
        for (length, is_valid) in [(256, true), (257, false)] {
            let member = format!("foo={}", "v".repeat(length));
            check_tracestate(&[&member], if is_valid { &member } else { "" });
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = format_traceparent(TRACE_ID, PARENT_ID, 1);
        assert_eq!(std::str::from_utf8(&text).unwrap(), VALID);
        for (trace_id, parent_id, flags) in
            [(1, 1, 0), (u128::MAX, u64::MAX, 3), (0xabcdef, 0xfedcba, 2)]
        {
            let text = format_traceparent(trace_id, parent_id, flags);
            let expected = RemoteContext {
                trace_id,
                parent_id,
                flags,
            };
            assert_eq!(parse_traceparent(&text), Some(expected));
        }
    }

    #[test]
    fn every_byte_is_a_digit_or_a_fault_in_every_place() {
        for byte in u8::MIN..=u8::MAX {
            let value = match byte {
                b'0'..=b'9' => Some(byte - b'0'),
                b'a'..=b'f' => Some(byte - b'a' + 10),
                _ => None,
            };
            for place in 0..64 {
                for (other, all) in [(b'0', 0x00), (b'9', 0x99), (b'a', 0xaa), (b'f', 0xff)] {
                    let mut digits = [other; 64];
                    digits[place] = byte;
                    let expected = value.map(|value| {
                        let mut bytes = [all; 32];
                        let half: u8 = if place % 2 == 0 { 4 } else { 0 };
                        bytes[place / 2] = all & !(0xf << half) | value << half;
                        bytes
                    });
                    assert_eq!(read_hex(&digits), expected, "{byte} at {place} of {other}");
                }
            }
        }
    }
}
