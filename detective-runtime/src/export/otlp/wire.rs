//! Protobuf, as far as OTLP needs it: appended to a buffer, with minimal lengths.
//!
//! <https://protobuf.dev/programming-guides/encoding/>

use crate::value::{Value, not_finite};

/// A field whose bytes are preceded by their length.
pub(crate) const fn length_delimited(field: u8) -> u8 {
    field << 3 | 2
}

/// A number of variable length.
pub(crate) const fn varint(field: u8) -> u8 {
    field << 3
}

/// Eight bytes.
pub(crate) const fn fixed64(field: u8) -> u8 {
    field << 3 | 1
}

/// `KeyValue`.
const KEY: u8 = length_delimited(1);
const VALUE: u8 = length_delimited(2);

/// `AnyValue`.
const STRING: u8 = length_delimited(1);
const BOOL: u8 = varint(2);
const INT: u8 = varint(3);
const DOUBLE: u8 = fixed64(4);
const ARRAY: u8 = length_delimited(5);

/// `ArrayValue`.
const ELEMENT: u8 = length_delimited(1);

/// Lengths below this take one byte.
const ONE_BYTE: usize = 0x80;

/// How many bytes [`push_varint`] takes.
#[inline]
pub(crate) fn varint_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

#[inline]
pub(crate) fn push_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// How many bytes a field of `len` bytes takes with its tag, which is one byte, and its length.
#[inline]
pub(crate) fn delimited_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

/// Appends a field of bytes.
#[inline]
pub(crate) fn push_bytes(to: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    push_head(to, tag, bytes.len());
    to.extend_from_slice(bytes);
}

/// Appends the tag and the length of a field.
#[inline]
pub(crate) fn push_head(to: &mut Vec<u8>, tag: u8, len: usize) {
    if len < ONE_BYTE {
        to.extend_from_slice(&[tag, len as u8]);
    } else {
        to.push(tag);
        push_varint(to, len as u64);
    }
}

/// Appends a message that `write` writes, whose length is known only afterwards. `room` is how many
/// bytes the length will probably take; a wrong guess costs a move of the message.
#[inline]
pub(crate) fn push_message<const ROOM: usize>(
    to: &mut Vec<u8>,
    tag: u8,
    write: impl FnOnce(&mut Vec<u8>),
) {
    to.push(tag);
    let place = to.len();
    to.extend_from_slice(&[0; ROOM]);
    write(to);
    set_length::<ROOM>(to, place);
}

/// Writes the length of all that follows `place`, where `ROOM` bytes are left for it.
#[inline]
fn set_length<const ROOM: usize>(to: &mut Vec<u8>, place: usize) {
    let len = (to.len() - place - ROOM) as u64;
    if varint_len(len) == ROOM {
        for (index, byte) in to[place..place + ROOM].iter_mut().enumerate() {
            let more = if index + 1 < ROOM { 0x80 } else { 0 };
            *byte = (len >> (7 * index)) as u8 & 0x7f | more;
        }
    } else {
        let (bytes, count) = varint_bytes(len);
        to.splice(place..place + ROOM, bytes.into_iter().take(count));
    }
}

/// The bytes of a number, and how many of them there are.
#[inline]
fn varint_bytes(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut count = 0;
    while value >= 0x80 {
        bytes[count] = value as u8 | 0x80;
        value >>= 7;
        count += 1;
    }
    bytes[count] = value as u8;
    (bytes, count + 1)
}

/// Appends an attribute, a `KeyValue`, whose value is a text.
#[inline(always)]
pub(crate) fn push_text(to: &mut Vec<u8>, tag: u8, key: &str, text: &[u8]) {
    push_key(to, tag, key, delimited_len(text.len()));
    push_bytes(to, STRING, text);
}

/// Appends an attribute whose value is a whole number.
#[inline(always)]
pub(crate) fn push_int(to: &mut Vec<u8>, tag: u8, key: &str, number: i64) {
    push_key(to, tag, key, 1 + varint_len(number as u64));
    to.push(INT);
    push_varint(to, number as u64);
}

/// Appends an attribute whose value is a list of texts.
pub(crate) fn push_texts<T: AsRef<str>>(
    to: &mut Vec<u8>,
    tag: u8,
    key: &str,
    texts: impl Iterator<Item = T> + Clone,
) {
    let elements = texts
        .clone()
        .map(|text| delimited_len(delimited_len(text.as_ref().len())));
    let array_len = elements.sum();
    push_key(to, tag, key, delimited_len(array_len));
    push_head(to, ARRAY, array_len);
    for text in texts {
        push_head(to, ELEMENT, delimited_len(text.as_ref().len()));
        push_bytes(to, STRING, text.as_ref().as_bytes());
    }
}

/// Appends an attribute; numbers that are not finite become texts.
pub(crate) fn push_value(to: &mut Vec<u8>, tag: u8, key: &str, value: &Value) {
    match value {
        Value::Bool(value) => {
            push_key(to, tag, key, 2);
            to.extend_from_slice(&[BOOL, u8::from(*value)]);
        }
        Value::I64(value) => push_int(to, tag, key, *value),
        Value::F64(value) => match not_finite(*value) {
            Some(text) => push_text(to, tag, key, text.as_bytes()),
            None => {
                push_key(to, tag, key, 9);
                to.push(DOUBLE);
                to.extend_from_slice(&value.to_le_bytes());
            }
        },
        Value::Text(text) => push_text(to, tag, key, text.as_bytes()),
        Value::TextList(texts) => push_texts(to, tag, key, texts.iter()),
    }
}

/// Appends the beginning of an attribute, up to its value of `value_len` bytes.
#[inline(always)]
fn push_key(to: &mut Vec<u8>, tag: u8, key: &str, value_len: usize) {
    let len = delimited_len(key.len()) + delimited_len(value_len);
    if len < ONE_BYTE {
        to.extend_from_slice(&[tag, len as u8, KEY, key.len() as u8]);
        to.extend_from_slice(key.as_bytes());
        to.extend_from_slice(&[VALUE, value_len as u8]);
    } else {
        push_head(to, tag, len);
        push_bytes(to, KEY, key.as_bytes());
        push_head(to, VALUE, value_len);
    }
}

/// Reads a length and as many bytes; the rest is what follows them.
pub(crate) fn split_delimited(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut len = 0;
    for (index, byte) in bytes.iter().enumerate() {
        len |= usize::from(byte & 0x7f).checked_shl(7 * index as u32)?;
        if byte & 0x80 == 0 {
            return bytes[index + 1..].split_at_checked(len);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        for shift in 0..64 {
            for value in [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                push_varint(&mut bytes, value);
                assert_eq!(bytes.len(), varint_len(value), "{value}");
                assert_eq!(
                    prost::decode_length_delimiter(&bytes[..]),
                    Ok(value as usize)
                );
                let (again, count) = varint_bytes(value);
                assert_eq!(again[..count], bytes);
            }
        }
    }

    #[test]
    fn a_message_of_any_length_gets_a_minimal_length() {
        for len in [0, 1, 127, 128, 16_383, 16_384, 2_097_152] {
            let mut bytes = vec![7];
            push_message::<2>(&mut bytes, 0x12, |to| to.resize(to.len() + len, 9));
            assert_eq!(bytes.len(), 1 + delimited_len(len));
            assert_eq!(bytes[..2], [7, 0x12]);
            assert_eq!(prost::decode_length_delimiter(&bytes[2..]), Ok(len));
            assert!(bytes[bytes.len() - len..].iter().all(|byte| *byte == 9));
        }
    }
}
