//! The text of a panic. Only the panic hook can read it.

use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use crate::record::push_truncated;
use crate::trace::context;

/// Adds a step to the process's panic hook. It stores the text of a panic in the current record,
/// and then calls the previous hook. If the program replaces the hook, panics are still recorded,
/// but without their text.
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
