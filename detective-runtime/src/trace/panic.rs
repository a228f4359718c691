//! The text of a panic, which only the panic hook gets to see.

use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use crate::record::push_truncated;
use crate::trace::context;

/// Adds a step to the process's panic hook: it notes the text of a panic in the record of the code
/// that panics, and then calls the hook that was there. Without it (a program may replace the hook)
/// a panic is recorded all the same, without its text.
pub(crate) fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            note(info);
            next(info);
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    context::with_record(|record| {
        let capture = &record.owner.snapshot.config.capture;
        let text = info.payload_as_str().unwrap_or("a value that is no text");
        record.panic_message.clear();
        if capture.error {
            push_truncated(&mut record.panic_message, text, capture.max_text_bytes);
        }
    });
}
