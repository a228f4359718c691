//! Reads the few protobuf messages that a collector answers with.
//!
//! Anybody may answer, so any bytes are read: what is not a message gives `None`.

use std::time::Duration;

/// `ExportTraceServiceResponse.partial_success`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PartialSuccess {
    /// How many spans the collector did not take.
    pub(super) rejected: u64,
    /// Why; with nothing rejected, a warning. Empty: all is well.
    pub(super) message: String,
}

impl PartialSuccess {
    /// Reads an `ExportTraceServiceResponse`.
    pub(super) fn read(response: &[u8]) -> Option<Self> {
        let mut partial = Self::default();
        for field in Fields(response) {
            if let (1, Value::Bytes(message)) = field? {
                for field in Fields(message) {
                    match field? {
                        // An `int64`, which nobody means to be negative.
                        (1, Value::Varint(count)) => {
                            partial.rejected = u64::try_from(count.cast_signed()).unwrap_or(0);
                        }
                        (2, Value::Bytes(text)) => partial.message = lossy(text),
                        _ => {}
                    }
                }
            }
        }
        Some(partial)
    }

    /// Reads the same as JSON, in which some collectors answer to protobuf, too.
    pub(super) fn read_json(response: &[u8]) -> Option<Self> {
        let response: serde_json::Value = serde_json::from_slice(response).ok()?;
        let response = response.as_object()?;
        if response.keys().any(|key| key != "partialSuccess") {
            return None;
        }
        let partial = response.get("partialSuccess");
        let field = |name| partial.and_then(|partial| partial.get(name));
        let rejected = field("rejectedSpans").and_then(|count| match count {
            serde_json::Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        });
        let message = field("errorMessage").and_then(|text| text.as_str());
        Some(Self {
            rejected: rejected.unwrap_or(0),
            message: message.unwrap_or_default().to_owned(),
        })
    }
}

/// `google.rpc.Status`, the body of an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) message: String,
    /// `RetryInfo.retry_delay` among its details: when to come back.
    pub(super) retry_delay: Option<Duration>,
}

impl Status {
    pub(super) fn read(status: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        for field in Fields(status) {
            match field? {
                (2, Value::Bytes(text)) => read.message = lossy(text),
                (3, Value::Bytes(any)) => {
                    if let Some(delay) = retry_delay(any) {
                        read.retry_delay = Some(delay);
                    }
                }
                _ => {}
            }
        }
        Some(read)
    }
}

/// The delay in a `google.protobuf.Any` that holds a `google.rpc.RetryInfo`.
fn retry_delay(any: &[u8]) -> Option<Duration> {
    let mut info = None;
    for field in Fields(any) {
        match field? {
            (1, Value::Bytes(kind)) if !kind.ends_with(b"/google.rpc.RetryInfo") => return None,
            (2, Value::Bytes(value)) => info = Some(value),
            _ => {}
        }
    }
    let mut delay = None;
    for field in Fields(info?) {
        if let (1, Value::Bytes(duration)) = field? {
            delay = Some(self::duration(duration)?);
        }
    }
    delay
}

/// A `google.protobuf.Duration`. A negative one asks for no wait.
fn duration(message: &[u8]) -> Option<Duration> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields(message) {
        match field? {
            (1, Value::Varint(value)) => seconds = value.cast_signed(),
            (2, Value::Varint(value)) => nanos = value.cast_signed(),
            _ => {}
        }
    }
    let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let nanos = u32::try_from(nanos).unwrap_or(0).min(999_999_999);
    Some(seconds.saturating_add(Duration::from_nanos(nanos.into())))
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Of a type that no field above has.
    Other,
}

/// The fields of a message with their numbers, and `None` once where the bytes stop being one.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return None,
        };
        match tag >> 3 {
            0 => None,
            number => Some((number, value)),
        }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceResponse,
    };
    use prost::Message;

    use super::*;

    #[test]
    fn what_a_collector_rejects_is_read() {
        for (rejected, message) in [(3, "quota"), (0, "use gzip"), (0, ""), (-1, "odd")] {
            let response = ExportTraceServiceResponse {
                partial_success: Some(ExportTracePartialSuccess {
                    rejected_spans: rejected,
                    error_message: message.to_owned(),
                }),
            };
            let partial = PartialSuccess::read(&response.encode_to_vec()).unwrap();
            assert_eq!(partial.rejected, u64::try_from(rejected).unwrap_or(0));
            assert_eq!(partial.message, message);
        }
        assert_eq!(PartialSuccess::read(b""), Some(PartialSuccess::default()));
    }

    #[test]
    fn what_is_no_message_is_told_apart() {
        for text in ["<!doctype html>", "ok", "404 page not found", "{}"] {
            assert_eq!(PartialSuccess::read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(PartialSuccess::read(&[0xff; 30]), None);
        let longer_than_the_message = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(PartialSuccess::read(&longer_than_the_message), None);
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut bytes = [0; 40];
        for _ in 0..100_000 {
            random.fill(&mut bytes);
            // Tags of the fields that are read, so that it gets further.
            bytes[0] = [0x0a, 0x12, 0x1a, bytes[0]][random.usize(..4)];
            bytes[1] %= 39;
            let bytes = &bytes[..random.usize(..=40)];
            let _ = PartialSuccess::read(bytes);
            let _ = PartialSuccess::read_json(bytes);
            let _ = Status::read(bytes);
            let _ = retry_delay(bytes);
            let _ = duration(bytes);
        }
    }

    #[test]
    fn json_says_the_same() {
        let read = |text: &str| PartialSuccess::read_json(text.as_bytes());
        let partial = |rejected, message: &str| {
            Some(PartialSuccess {
                rejected,
                message: message.to_owned(),
            })
        };
        assert_eq!(read("{}"), partial(0, ""));
        let text = r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"quota"}}"#;
        assert_eq!(read(text), partial(3, "quota"));
        let text = r#"{"partialSuccess":{"rejectedSpans":4}}"#;
        assert_eq!(read(text), partial(4, ""));
        for text in ["", "3", "[]", r#"{"message":"no such page"}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_status_says_why_and_when_to_come_back() {
        let status = [
            &[0x08, 8, 0x12, 5][..],
            b"quota",
            &[0x1a, 48, 0x0a, 40],
            b"type.googleapis.com/google.rpc.RetryInfo",
            &[0x12, 4, 0x0a, 2, 0x08, 30],
        ]
        .concat();
        let status = Status::read(&status).unwrap();
        assert_eq!(status.message, "quota");
        assert_eq!(status.retry_delay, Some(Duration::from_secs(30)));
        let other = [&[0x1a, 6, 0x0a, 4][..], b"a/b."].concat();
        assert_eq!(Status::read(&other), Some(Status::default()));
    }
}
