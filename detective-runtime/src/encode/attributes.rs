//! The destinations of attributes: the bytes of a span, or a list.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::export::{Attribute, wire};
use crate::record::address;
use crate::value::Value;

/// Receives the attributes of one span, one by one.
pub(crate) trait Attributes {
    /// A text.
    fn text(&mut self, key: &'static str, value: &str);

    /// A whole number.
    fn int(&mut self, key: &'static str, value: i64);

    /// An address, as text.
    fn address(&mut self, key: &'static str, value: IpAddr);

    /// A list of texts.
    fn texts<'a>(&mut self, key: [&str; 2], values: impl Iterator<Item = Cow<'a, str>> + Clone);

    /// A text that may be absent.
    #[inline(always)]
    fn present_text(&mut self, key: &'static str, value: &str) {
        if !value.is_empty() {
            self.text(key, value);
        }
    }

    /// A number of bytes.
    #[inline(always)]
    fn size(&mut self, key: &'static str, bytes: u64) {
        self.int(key, i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

/// The bytes of a span or an event. Attributes have this tag in it.
#[derive(Debug)]
pub(super) struct Encoded<'a> {
    pub(super) to: &'a mut Vec<u8>,
    pub(super) tag: u8,
}

impl Attributes for Encoded<'_> {
    #[inline(always)]
    fn text(&mut self, key: &'static str, value: &str) {
        wire::push_text(self.to, self.tag, key, value.as_bytes());
    }

    #[inline(always)]
    fn int(&mut self, key: &'static str, value: i64) {
        wire::push_int(self.to, self.tag, key, value);
    }

    #[inline]
    fn address(&mut self, key: &'static str, value: IpAddr) {
        match value {
            IpAddr::V4(value) => {
                let (bytes, len) = address::ipv4(value);
                wire::push_text(self.to, self.tag, key, &bytes[..len]);
            }
            IpAddr::V6(value) => self.text(key, &value.to_string()),
        }
    }

    fn texts<'a>(&mut self, key: [&str; 2], values: impl Iterator<Item = Cow<'a, str>> + Clone) {
        wire::push_texts(self.to, self.tag, &key.concat(), values);
    }
}

impl Attributes for Vec<Attribute> {
    fn text(&mut self, key: &'static str, value: &str) {
        self.push((Cow::Borrowed(key), Value::from(value.to_owned())));
    }

    fn int(&mut self, key: &'static str, value: i64) {
        self.push((Cow::Borrowed(key), Value::I64(value)));
    }

    fn address(&mut self, key: &'static str, value: IpAddr) {
        self.push((Cow::Borrowed(key), Value::from(address::text(value))));
    }

    fn texts<'a>(&mut self, key: [&str; 2], values: impl Iterator<Item = Cow<'a, str>> + Clone) {
        let values = values.map(Cow::into_owned).collect();
        self.push((Cow::Owned(key.concat()), Value::TextList(values)));
    }
}
