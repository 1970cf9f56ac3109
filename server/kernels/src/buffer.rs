//! Memory for weights: aligned to cache lines, and in large pages where it is large.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

const CACHE_LINE: usize = 64;
const LARGE_PAGE: usize = 2 << 20;

/// Bytes that begin at a cache line.
pub struct Buffer {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: it owns its bytes as a `Vec` would.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Zeros. There is at least one byte, used or not.
    pub fn zeroed(n_bytes: usize) -> Buffer {
        let alignment = if n_bytes >= LARGE_PAGE { LARGE_PAGE } else { CACHE_LINE };
        let layout = Layout::from_size_align(n_bytes.max(1), alignment).expect("weights fit into the address space");
        // SAFETY: the size is not zero.
        let start = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        // Before the first byte is touched, which fixes the size of its page.
        ask_for_large_pages(start, layout);
        // SAFETY: these bytes were just allocated.
        unsafe { start.as_ptr().write_bytes(0, layout.size()) };
        Buffer { start, layout }
    }

    pub fn n_bytes(&self) -> usize {
        self.layout.size()
    }

    pub fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr()
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: these bytes are initialized and this buffer's own.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.size()) }
    }
}

/// Weights are read from end to end at every step: with small pages the processor would look up half a million
/// addresses for a gigabyte. A system that has no large pages goes on without.
#[cfg(target_os = "linux")]
fn ask_for_large_pages(start: NonNull<u8>, layout: Layout) {
    if layout.align() == LARGE_PAGE {
        // SAFETY: the range is ours, and the advice changes nothing but the pages under it.
        unsafe { libc::madvise(start.as_ptr().cast(), layout.size(), libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages(_: NonNull<u8>, _: Layout) {}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: allocated with this very layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
