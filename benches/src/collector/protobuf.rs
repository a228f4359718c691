//! How many spans a request holds, read from its bytes without making anything of them.

/// Field numbers of the messages in `opentelemetry/proto/collector/trace/v1` and `opentelemetry/proto/trace/v1`.
const RESOURCE_SPANS: u64 = 1;
const SCOPE_SPANS: u64 = 2;
const SPANS: u64 = 2;

/// Counts the spans of an `ExportTraceServiceRequest`; `None` when the bytes are no such message.
pub(super) fn count_spans(request: &[u8]) -> Option<u64> {
    let mut spans = 0;
    for_each(request, RESOURCE_SPANS, |resource| {
        for_each(resource, SCOPE_SPANS, |scope| {
            for_each(scope, SPANS, |_| {
                spans += 1;
                Some(())
            })
        })
    })?;
    Some(spans)
}

/// Calls `visit` with each message that `message` holds in the field `wanted`.
fn for_each<'a>(
    mut message: &'a [u8],
    wanted: u64,
    mut visit: impl FnMut(&'a [u8]) -> Option<()>,
) -> Option<()> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        match key & 7 {
            0 => {
                varint(&mut message)?;
            }
            1 => {
                take(&mut message, 8)?;
            }
            2 => {
                let length = varint(&mut message)?;
                let field = take(&mut message, usize::try_from(length).ok()?)?;
                if key >> 3 == wanted {
                    visit(field)?;
                }
            }
            5 => {
                take(&mut message, 4)?;
            }
            _ => return None,
        }
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::count_spans;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("the test's messages are short");
        [&[number << 3 | 2, length], content].concat()
    }

    #[test]
    fn spans_of_all_scopes_and_resources_are_counted() {
        let span = field(2, b"a span");
        let name = field(1, b"a scope's name");
        let scope = field(2, &[name.clone(), span.clone(), span].concat());
        let schema = field(3, b"an address");
        let resource = field(1, &[name, scope.clone(), scope, schema].concat());
        let request = [resource.clone(), resource].concat();
        assert_eq!(count_spans(&request), Some(8));
        assert_eq!(count_spans(b""), Some(0));
    }

    #[test]
    fn numbers_are_passed_over() {
        let numbers = [
            0x08, 0x96, 0x01, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x0d, 1, 2, 3, 4,
        ];
        let scope = field(2, &[&numbers[..], &field(2, b"a span")].concat());
        assert_eq!(count_spans(&field(1, &scope)), Some(1));
    }

    #[test]
    fn bytes_that_break_off_are_no_message() {
        let request = field(1, &field(2, &field(2, b"a span")));
        assert_eq!(count_spans(&request), Some(1));
        for end in 1..request.len() {
            assert_eq!(count_spans(&request[..end]), None, "cut at {end}");
        }
        assert_eq!(count_spans(&[0xff; 12]), None, "a number without an end");
        assert_eq!(count_spans(b"<html>"), None);
    }
}
