//! Counts what each thread allocates, so that a test can say how much memory something took at most.
//!
//! libtorch's own memory is not counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static HELD_BYTES: Cell<i64> = const { Cell::new(0) };
    static PEAK_BYTES: Cell<i64> = const { Cell::new(0) };
}

/// What an action returns, and the most that it held at one time beyond what was there before, in bytes.
pub fn peak_of<T>(action: impl FnOnce() -> T) -> (T, i64) {
    let before = HELD_BYTES.get();
    PEAK_BYTES.set(before);
    let result = action();
    (result, PEAK_BYTES.get() - before)
}

fn count(n_bytes: i64) {
    let held = HELD_BYTES.get() + n_bytes;
    HELD_BYTES.set(held);
    PEAK_BYTES.set(PEAK_BYTES.get().max(held));
}

// SAFETY: all of it is the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as the caller's.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Both may be there while one is copied to the other.
        count(new_size as i64);
        count(-(layout.size() as i64));
        // SAFETY: as the caller's.
        unsafe { System.realloc(block, layout, new_size) }
    }
}
