//! Hands one slice to several threads that write to different places of it.

use std::marker::PhantomData;

/// A slice that tasks of one job write to at once.
pub struct Share<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

impl<T> Clone for Share<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Share<'_, T> {}

// SAFETY: it stands for a `&mut [T]`; what keeps threads apart is asked of the callers of `part`.
unsafe impl<T: Send> Send for Share<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Share<'_, T> {}

impl<'a, T> Share<'a, T> {
    pub fn new(slice: &'a mut [T]) -> Share<'a, T> {
        Share { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// # Safety
    ///
    /// No two parts that live at once overlap.
    pub unsafe fn part(self, start: usize, len: usize) -> &'a mut [T] {
        assert!(start + len <= self.len, "{start} and {len} more of {}", self.len);
        // SAFETY: it lies within the slice, and the caller lets no two overlap.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }

    pub fn as_mut_ptr(self) -> *mut T {
        self.start
    }
}
