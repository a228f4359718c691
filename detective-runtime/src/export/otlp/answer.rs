//! What a collector's answer means, by the tables of the OTLP specification.

use std::time::Duration;

use super::response::PartialSuccess;

/// The answer to one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The collector has the spans, but for those that it rejected.
    Taken(PartialSuccess),
    /// Worth another try.
    Later {
        reason: String,
        /// When the collector wants to be asked again.
        wait: Option<Duration>,
    },
    /// Nobody was reached who could answer; worth another try.
    Unreachable(String),
    /// Too large; a part of it may be taken.
    TooLarge(String),
    /// Not taken, now or later.
    Refused(String),
}

/// Most bytes that are read of an answer; one to an export says little.
pub(super) const ANSWER_BYTES: usize = 64 << 10;

impl Answer {
    /// The answer to a message that was perhaps taken. A second try would meet the same answer.
    pub(super) fn too_long() -> Self {
        Self::Refused(format!("the answer is longer than {ANSWER_BYTES} bytes"))
    }
}

/// Most bytes of a collector's reason that are shown.
const REASON_BYTES: usize = 256;

/// What an HTTP status with an error says.
pub(super) fn of_http_status(
    status: http::StatusCode,
    reason: String,
    wait: Option<Duration>,
) -> Answer {
    match status.as_u16() {
        429 | 502 | 503 | 504 => Answer::Later { reason, wait },
        413 => Answer::TooLarge(reason),
        _ => Answer::Refused(reason),
    }
}

/// What a gRPC status with an error says.
#[cfg(feature = "otlp-grpc")]
pub(super) fn of_grpc_code(code: tonic::Code, reason: String, wait: Option<Duration>) -> Answer {
    use tonic::Code;

    match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Answer::Later { reason, wait },
        // With a time it is a quota, and without one mostly the size of the message.
        Code::ResourceExhausted if wait.is_some() => Answer::Later { reason, wait },
        Code::ResourceExhausted => Answer::TooLarge(reason),
        _ => Answer::Refused(reason),
    }
}

/// The beginning of what a collector says, made fit for a log line: one line of printable text.
pub(super) fn printable(text: &[u8]) -> String {
    let text = &text[..text.len().min(REASON_BYTES)];
    // A character that the limit cuts through is left out.
    let text = match std::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() => &text[..error.valid_up_to()],
        _ => text,
    };
    let text = String::from_utf8_lossy(text);
    let words = text.split(|character: char| character.is_whitespace() || !is_printable(character));
    let mut shown = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
    }
    shown
}

/// Control characters could move a terminal's cursor, the others turn the direction of its text.
fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_printable_line_of_bounded_length() {
        assert_eq!(printable(b"token\r\n\texpired\x1b[2J"), "token expired [2J");
        assert_eq!(printable(&[0xff, b'a', 0xff]), "a");
        assert_eq!(printable("\u{202e}left".as_bytes()), "left");
        let long = "\u{e9}".repeat(300);
        assert_eq!(printable(long.as_bytes()), "\u{e9}".repeat(128));
        let odd = format!("a{long}");
        assert_eq!(printable(odd.as_bytes()).len(), 255);
    }
}
