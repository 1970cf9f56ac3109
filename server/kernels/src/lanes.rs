//! Eight numbers at a time, in the processor's registers or, where it has none that fit, in plain arrays.
//!
//! A [`Task`] is written once over [`Lanes`]; [`Instructions::run`] chooses at run time what it becomes.

use crate::instructions::Instructions;

/// How many numbers stand in one [`Lanes`].
pub const N_LANES: usize = 8;

/// Eight f32, and eight u32 beside them as [`Lanes::Words`].
///
/// # Safety
///
/// All functions need the instructions that the type stands for, which being called within [`Task::run`] warrants.
/// Those that take a pointer read or write eight numbers there, which need not be aligned.
pub trait Lanes: Copy {
    type Words: Copy;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(at: *const f32) -> Self;
    unsafe fn store(self, at: *mut f32);

    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    /// `self · by + plus`, rounded once where the processor can.
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self;
    /// The greater, and NaN where `self` is NaN.
    unsafe fn at_least(self, other: Self) -> Self;
    /// The smaller, and NaN where `self` is NaN.
    unsafe fn at_most(self, other: Self) -> Self;
    /// `yes` where `self > other`, otherwise `no`; `no` for NaN.
    unsafe fn if_above(self, other: Self, yes: Self, no: Self) -> Self;
    /// `self · 2ⁿ` for whole `n`, by adding to the exponent.
    unsafe fn add_exponent(self, n: Self) -> Self;

    /// Asks for a line of memory, wherever it is, and does not wait for it.
    unsafe fn prefetch(at: *const u8);
    unsafe fn load_words(at: *const u32) -> Self::Words;
    /// The lower halves of words, taken as bf16.
    unsafe fn low_halves(words: Self::Words) -> Self;
    /// The upper halves of words, taken as bf16.
    unsafe fn high_halves(words: Self::Words) -> Self;
    /// `16ⁱ · q` for each word's nibble `q` at `i`, counted from the lowest; the last of the eight by itself.
    unsafe fn nibbles(words: Self::Words, idx: usize) -> Self;
    unsafe fn load_f16(at: *const u16) -> Self;
    unsafe fn load_i8(at: *const i8) -> Self;

    unsafe fn to_array(self) -> [f32; N_LANES] {
        let mut array = [0.0; N_LANES];
        // SAFETY: the array has room for eight numbers.
        unsafe { self.store(array.as_mut_ptr()) };
        array
    }

    /// The sum, in one fixed order.
    unsafe fn sum(self) -> f32 {
        // SAFETY: as the caller's.
        let [a, b, c, d, e, f, g, h] = unsafe { self.to_array() };
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
}

/// Work that is written once for every kind of processor.
pub trait Task {
    type Output;

    /// # Safety
    ///
    /// The processor has the instructions that `V` stands for, and the task's pointers are as its fields say.
    unsafe fn run<V: Lanes>(self) -> Self::Output;
}

impl Instructions {
    /// # Safety
    ///
    /// The task's pointers are as its fields say.
    pub(crate) unsafe fn run<T: Task>(self, task: T) -> T::Output {
        #[cfg(target_arch = "x86_64")]
        if self.has_avx2() {
            // SAFETY: such a value is made only after the processor was asked.
            return unsafe { avx2::run(task) };
        }
        // SAFETY: plain arrays need no instructions.
        unsafe { task.run::<Plain>() }
    }
}

/// Eight numbers in an array, which compilers turn into whatever the target has.
#[derive(Clone, Copy)]
pub struct Plain([f32; N_LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Plain, f: impl Fn(f32, f32) -> f32) -> Plain {
        Plain(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

/// One rounding where the target does that in one instruction; a library call would be a hundred times slower.
#[inline(always)]
fn mul_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, c) } else { a * b + c }
}

impl Lanes for Plain {
    type Words = [u32; N_LANES];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Plain {
        Plain([value; N_LANES])
    }
    #[inline(always)]
    unsafe fn load(at: *const f32) -> Plain {
        // SAFETY: the caller's pointer reads eight numbers.
        Plain(unsafe { at.cast::<[f32; N_LANES]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        // SAFETY: the caller's pointer has room for eight numbers.
        unsafe { at.cast::<[f32; N_LANES]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn mul_add(self, by: Plain, plus: Plain) -> Plain {
        Plain(std::array::from_fn(|i| mul_add(self.0[i], by.0[i], plus.0[i])))
    }
    #[inline(always)]
    unsafe fn at_least(self, other: Plain) -> Plain {
        self.zip(other, |a, b| if b > a { b } else { a })
    }
    #[inline(always)]
    unsafe fn at_most(self, other: Plain) -> Plain {
        self.zip(other, |a, b| if b < a { b } else { a })
    }
    #[inline(always)]
    unsafe fn if_above(self, other: Plain, yes: Plain, no: Plain) -> Plain {
        Plain(std::array::from_fn(|i| if self.0[i] > other.0[i] { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    unsafe fn add_exponent(self, n: Plain) -> Plain {
        self.zip(n, |a, n| f32::from_bits(a.to_bits().wrapping_add(((n as i32) << 23) as u32)))
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}
    #[inline(always)]
    unsafe fn load_words(at: *const u32) -> [u32; N_LANES] {
        // SAFETY: the caller's pointer reads eight words.
        unsafe { at.cast::<[u32; N_LANES]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn low_halves(words: [u32; N_LANES]) -> Plain {
        Plain(words.map(|word| f32::from_bits(word << 16)))
    }
    #[inline(always)]
    unsafe fn high_halves(words: [u32; N_LANES]) -> Plain {
        Plain(words.map(|word| f32::from_bits(word & 0xffff_0000)))
    }
    #[inline(always)]
    unsafe fn nibbles(words: [u32; N_LANES], idx: usize) -> Plain {
        Plain(words.map(|word| (if idx == 7 { word >> 28 } else { word & 15 << (4 * idx) }) as f32))
    }
    #[inline(always)]
    unsafe fn load_f16(at: *const u16) -> Plain {
        // SAFETY: the caller's pointer reads eight halves.
        Plain(unsafe { at.cast::<[u16; N_LANES]>().read_unaligned() }.map(crate::f16_to_f32))
    }
    #[inline(always)]
    unsafe fn load_i8(at: *const i8) -> Plain {
        // SAFETY: the caller's pointer reads eight bytes.
        Plain(unsafe { at.cast::<[i8; N_LANES]>().read_unaligned() }.map(f32::from))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Lanes, Task};

    /// # Safety
    ///
    /// The processor has these features, and the task's pointers are as its fields say.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub unsafe fn run<T: Task>(task: T) -> T::Output {
        // SAFETY: as the caller's. What is inlined here is compiled with these features.
        unsafe { task.run::<__m256>() }
    }

    // SAFETY of all blocks: within `Task::run` the features are there; pointers are the caller's.
    impl Lanes for __m256 {
        type Words = __m256i;

        #[inline(always)]
        unsafe fn splat(value: f32) -> __m256 {
            unsafe { _mm256_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load(at: *const f32) -> __m256 {
            unsafe { _mm256_loadu_ps(at) }
        }
        #[inline(always)]
        unsafe fn store(self, at: *mut f32) {
            unsafe { _mm256_storeu_ps(at, self) }
        }
        #[inline(always)]
        unsafe fn add(self, other: __m256) -> __m256 {
            unsafe { _mm256_add_ps(self, other) }
        }
        #[inline(always)]
        unsafe fn sub(self, other: __m256) -> __m256 {
            unsafe { _mm256_sub_ps(self, other) }
        }
        #[inline(always)]
        unsafe fn mul(self, other: __m256) -> __m256 {
            unsafe { _mm256_mul_ps(self, other) }
        }
        #[inline(always)]
        unsafe fn div(self, other: __m256) -> __m256 {
            unsafe { _mm256_div_ps(self, other) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, by: __m256, plus: __m256) -> __m256 {
            unsafe { _mm256_fmadd_ps(self, by, plus) }
        }
        // Of two numbers that cannot be compared, these instructions return the second.
        #[inline(always)]
        unsafe fn at_least(self, other: __m256) -> __m256 {
            unsafe { _mm256_max_ps(other, self) }
        }
        #[inline(always)]
        unsafe fn at_most(self, other: __m256) -> __m256 {
            unsafe { _mm256_min_ps(other, self) }
        }
        #[inline(always)]
        unsafe fn if_above(self, other: __m256, yes: __m256, no: __m256) -> __m256 {
            unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(self, other)) }
        }
        #[inline(always)]
        unsafe fn add_exponent(self, n: __m256) -> __m256 {
            unsafe {
                let n = _mm256_slli_epi32::<23>(_mm256_cvttps_epi32(n));
                _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(self), n))
            }
        }
        #[inline(always)]
        unsafe fn prefetch(at: *const u8) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
        }
        #[inline(always)]
        unsafe fn load_words(at: *const u32) -> __m256i {
            unsafe { _mm256_loadu_si256(at.cast()) }
        }
        #[inline(always)]
        unsafe fn low_halves(words: __m256i) -> __m256 {
            unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<16>(words)) }
        }
        #[inline(always)]
        unsafe fn high_halves(words: __m256i) -> __m256 {
            unsafe { _mm256_castsi256_ps(_mm256_and_si256(words, _mm256_set1_epi32(0xffff_0000_u32 as i32))) }
        }
        #[inline(always)]
        unsafe fn nibbles(words: __m256i, idx: usize) -> __m256 {
            unsafe {
                _mm256_cvtepi32_ps(match idx {
                    7 => _mm256_srli_epi32::<28>(words),
                    _ => _mm256_and_si256(words, _mm256_set1_epi32(15 << (4 * idx))),
                })
            }
        }
        #[inline(always)]
        unsafe fn load_f16(at: *const u16) -> __m256 {
            unsafe { _mm256_cvtph_ps(_mm_loadu_si128(at.cast())) }
        }
        #[inline(always)]
        unsafe fn load_i8(at: *const i8) -> __m256 {
            unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(at.cast()))) }
        }
    }
}
