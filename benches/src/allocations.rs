//! A global allocator that counts, while it is told to.
//!
//! The only unsafe code here: an allocator cannot be written without it. It hands every call on as it is.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The system's allocator, with a count of its calls.
#[derive(Debug)]
pub(crate) struct Counting;

/// Off, except where allocations are what is measured, so that the other figures are not disturbed.
static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static OF_PROCESS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static OF_THREAD: Cell<u64> = const { Cell::new(0) };
}

/// How many times memory was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allocations {
    /// By the calling thread.
    pub(crate) thread: u64,
    /// By all threads.
    pub(crate) process: u64,
}

/// Counts from now on.
pub(crate) fn start_counting() {
    IS_COUNTING.store(true, Relaxed);
}

/// The count so far.
pub(crate) fn counted() -> Allocations {
    Allocations {
        thread: OF_THREAD.get(),
        process: OF_PROCESS.load(Relaxed),
    }
}

fn count() {
    if IS_COUNTING.load(Relaxed) {
        OF_PROCESS.fetch_add(1, Relaxed);
        OF_THREAD.set(OF_THREAD.get() + 1);
    }
}

// SAFETY: every call is the system allocator's own, with the caller's own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}
