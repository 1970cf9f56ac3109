//! How the weights of a panel lie in memory, in each precision.
//!
//! A panel is 16 outputs. Their weights stand by input: those of the first input for all 16 outputs, then those of the
//! second, and so on, so that one pass over the panel yields 16 sums side by side. Some formats bind several inputs
//! into a group; the last group is filled up with zeros.
//!
//! The quantized formats sum up whole numbers within a group and scale the sum, once per group and not per weight.

use crate::half::{bf16_from_f32, bf16_to_f32, f16_from_f32};
use crate::lanes::{Lanes, N_LANES};

/// Outputs of a panel.
pub const WIDTH: usize = 16;

/// Inputs that are packed at once: the largest group.
pub const TILE: usize = 32;

/// Weights of 32 inputs and 16 outputs, by output.
pub type Tile = [[f32; TILE]; WIDTH];

/// A number for each output of a panel.
pub type Sums<V> = [V; 2];

/// # Safety
///
/// All functions on [`Lanes`] need their instructions, and pointers to whole groups.
pub trait Format {
    /// Inputs whose weights stand together.
    const GROUP: usize;
    const GROUP_BYTES: usize;
    /// Inputs that are unpacked together; divides `GROUP`.
    const STEP: usize;
    /// Whether what is unpacked must still be scaled.
    const SCALED: bool = false;
    /// Whether it must be shifted, too.
    const SHIFTED: bool = false;
    /// Whether inputs come multiplied by their [`Format::factor`].
    const FACTORED: bool = false;

    /// A power of two that makes up for what `unpack` leaves in the weights of this input of a group.
    fn factor(_input: usize) -> f32 {
        1.0
    }

    /// Writes the weights of the inputs from `start` on.
    fn pack(tile: &Tile, start: usize, group: &mut [u8]);

    /// The weights of one input, counted within a step.
    ///
    /// No closures here and in the kernels: one that is not inlined would be compiled without the instructions.
    unsafe fn unpack<V: Lanes>(group: *const u8, step: usize, input: usize) -> Sums<V>;

    /// `s` and `t` in `w = s · u + t`, `u` being what is unpacked.
    unsafe fn scales<V: Lanes>(_group: *const u8) -> (Sums<V>, Sums<V>) {
        unreachable!("only scaled formats have scales")
    }

    /// Adds a group to `total`: `Σ x · w = s · Σ x · u + t · Σ x`.
    #[inline(always)]
    unsafe fn fold<V: Lanes>(group: *const u8, part: Sums<V>, sum_x: V, total: Sums<V>) -> Sums<V> {
        // SAFETY: as the caller's.
        unsafe {
            let (scale, shift) = Self::scales::<V>(group);
            let mut total = total;
            for i in 0..2 {
                let shifted = if Self::SHIFTED { shift[i].mul_add(sum_x, total[i]) } else { total[i] };
                total[i] = part[i].mul_add(scale[i], shifted);
            }
            total
        }
    }

    /// The weight of one input and output.
    fn weight(group: &[u8], input: usize, output: usize) -> f32;
}

fn number(bytes: &[u8], idx: usize) -> f32 {
    f32::from_bits(word(bytes, idx))
}

fn word(bytes: &[u8], idx: usize) -> u32 {
    u32::from_le_bytes(bytes[4 * idx..][..4].try_into().expect("four bytes are a word"))
}

fn half(bytes: &[u8], idx: usize) -> u16 {
    u16::from_le_bytes([bytes[2 * idx], bytes[2 * idx + 1]])
}

fn put_word(bytes: &mut [u8], idx: usize, word: u32) {
    bytes[4 * idx..][..4].copy_from_slice(&word.to_le_bytes());
}

fn put_half(bytes: &mut [u8], idx: usize, half: u16) {
    bytes[2 * idx..][..2].copy_from_slice(&half.to_le_bytes());
}

pub struct F32;

impl Format for F32 {
    const GROUP: usize = 1;
    const GROUP_BYTES: usize = 4 * WIDTH;
    const STEP: usize = 1;

    fn pack(tile: &Tile, start: usize, group: &mut [u8]) {
        (0..WIDTH).for_each(|output| put_word(group, output, tile[output][start].to_bits()));
    }

    #[inline(always)]
    unsafe fn unpack<V: Lanes>(group: *const u8, _: usize, _: usize) -> Sums<V> {
        let at = group.cast::<f32>();
        // SAFETY: a group is 16 numbers.
        unsafe { [V::load(at), V::load(at.add(N_LANES))] }
    }

    fn weight(group: &[u8], _: usize, output: usize) -> f32 {
        number(group, output)
    }
}

pub struct F16;

impl Format for F16 {
    const GROUP: usize = 1;
    const GROUP_BYTES: usize = 2 * WIDTH;
    const STEP: usize = 1;

    fn pack(tile: &Tile, start: usize, group: &mut [u8]) {
        (0..WIDTH).for_each(|output| put_half(group, output, f16_from_f32(tile[output][start])));
    }

    #[inline(always)]
    unsafe fn unpack<V: Lanes>(group: *const u8, _: usize, _: usize) -> Sums<V> {
        let at = group.cast::<u16>();
        // SAFETY: a group is 16 halves.
        unsafe { [V::load_f16(at), V::load_f16(at.add(N_LANES))] }
    }

    fn weight(group: &[u8], _: usize, output: usize) -> f32 {
        crate::f16_to_f32(half(group, output))
    }
}

/// Pairs of inputs, as dot products of pairs want them: the first in the lower half of each output's word.
pub struct Bf16;

impl Format for Bf16 {
    const GROUP: usize = 2;
    const GROUP_BYTES: usize = 4 * WIDTH;
    const STEP: usize = 2;

    fn pack(tile: &Tile, start: usize, group: &mut [u8]) {
        for (output, weights) in tile.iter().enumerate() {
            put_half(group, 2 * output, bf16_from_f32(weights[start]));
            put_half(group, 2 * output + 1, bf16_from_f32(weights[start + 1]));
        }
    }

    #[inline(always)]
    unsafe fn unpack<V: Lanes>(group: *const u8, _: usize, input: usize) -> Sums<V> {
        let at = group.cast::<u32>();
        // SAFETY: a group is 16 words.
        unsafe {
            let (left, right) = (V::load_words(at), V::load_words(at.add(N_LANES)));
            match input {
                0 => [V::low_halves(left), V::low_halves(right)],
                _ => [V::high_halves(left), V::high_halves(right)],
            }
        }
    }

    fn weight(group: &[u8], input: usize, output: usize) -> f32 {
        bf16_to_f32(half(group, 2 * output + input))
    }
}

/// Whole numbers in ±127, by input; then the scale of each output.
pub struct Int8;

impl Format for Int8 {
    const GROUP: usize = TILE;
    const GROUP_BYTES: usize = TILE * WIDTH + 4 * WIDTH;
    const STEP: usize = 1;
    const SCALED: bool = true;

    fn pack(tile: &Tile, _: usize, group: &mut [u8]) {
        let (numbers, scales) = group.split_at_mut(TILE * WIDTH);
        for (output, weights) in tile.iter().enumerate() {
            let peak = weights.iter().fold(0.0_f32, |peak, weight| peak.max(weight.abs()));
            let scale = peak / 127.0;
            put_word(scales, output, scale.to_bits());
            for (input, weight) in weights.iter().enumerate() {
                let number = if scale > 0.0 { (weight / scale).round_ties_even() } else { 0.0 };
                numbers[input * WIDTH + output] = number as i8 as u8;
            }
        }
    }

    #[inline(always)]
    unsafe fn unpack<V: Lanes>(group: *const u8, step: usize, _: usize) -> Sums<V> {
        // SAFETY: each step is 16 bytes of the group.
        unsafe {
            let at = group.add(step * WIDTH).cast::<i8>();
            [V::load_i8(at), V::load_i8(at.add(N_LANES))]
        }
    }

    #[inline(always)]
    unsafe fn scales<V: Lanes>(group: *const u8) -> (Sums<V>, Sums<V>) {
        // SAFETY: the group ends in 16 numbers.
        unsafe {
            let at = group.add(TILE * WIDTH).cast::<f32>();
            ([V::load(at), V::load(at.add(N_LANES))], [V::splat(0.0); 2])
        }
    }

    fn weight(group: &[u8], input: usize, output: usize) -> f32 {
        f32::from(group[input * WIDTH + output] as i8) * number(&group[TILE * WIDTH..], output)
    }
}

/// Numbers `q` in 0..=15, eight inputs of one output in each word; then step and least value of each output in bf16.
///
/// A nibble is not shifted to the end of its word before it becomes a number: what is unpacked is `16ⁱ · q`, and the
/// input's factor is `16⁻ⁱ`. Both are exact, and it saves every third instruction.
pub struct Int4;

/// In a word.
const NIBBLES: usize = 8;

const NIBBLE_BYTES: usize = TILE * WIDTH / 2;

impl Int4 {
    /// Step and least value, such that `least + step · q` comes near all of these.
    ///
    /// Weights lie densely around zero and thinly outside: to clip the outermost a little makes all others finer.
    fn fit(weights: &[f32; TILE]) -> (f32, f32) {
        let (low, high) =
            weights.iter().fold((f32::MAX, f32::MIN), |(low, high), weight| (low.min(*weight), high.max(*weight)));
        let candidates = (0..=8).map(|clip| {
            let cut = (high - low) * 0.02 * clip as f32;
            let (low, high) = (low + cut / 2.0, high - cut / 2.0);
            let step = bf16_to_f32(bf16_from_f32((high - low) / 15.0));
            (step, bf16_to_f32(bf16_from_f32(low)))
        });
        let error = |(step, least): &(f32, f32)| -> f32 {
            weights.iter().map(|weight| (least + step * Int4::nearest(*weight, *step, *least) - weight).powi(2)).sum()
        };
        candidates.min_by(|left, right| error(left).total_cmp(&error(right))).expect("there are nine candidates")
    }

    fn nearest(weight: f32, step: f32, least: f32) -> f32 {
        if step > 0.0 { ((weight - least) / step).round_ties_even().clamp(0.0, 15.0) } else { 0.0 }
    }
}

impl Format for Int4 {
    const GROUP: usize = TILE;
    const GROUP_BYTES: usize = NIBBLE_BYTES + 4 * WIDTH;
    const STEP: usize = NIBBLES;
    const SCALED: bool = true;
    const SHIFTED: bool = true;
    const FACTORED: bool = true;

    fn factor(input: usize) -> f32 {
        let idx = input % NIBBLES;
        // The last one is shifted all the same: in its place it would be a sign.
        if idx == NIBBLES - 1 { 1.0 } else { 0.0625_f32.powi(idx as i32) }
    }

    fn pack(tile: &Tile, _: usize, group: &mut [u8]) {
        let (nibbles, scales) = group.split_at_mut(NIBBLE_BYTES);
        nibbles.fill(0);
        for (output, weights) in tile.iter().enumerate() {
            let (step, least) = Int4::fit(weights);
            put_half(scales, 2 * output, bf16_from_f32(step));
            put_half(scales, 2 * output + 1, bf16_from_f32(least));
            for (input, weight) in weights.iter().enumerate() {
                let (idx, shift) = place(input, output);
                let number = Int4::nearest(*weight, step, least) as u32;
                put_word(nibbles, idx, word(nibbles, idx) | number << shift);
            }
        }
    }

    #[inline(always)]
    unsafe fn unpack<V: Lanes>(group: *const u8, step: usize, input: usize) -> Sums<V> {
        // SAFETY: each step is sixteen words of the group.
        unsafe {
            let at = group.cast::<u32>().add(step * WIDTH);
            [V::nibbles(V::load_words(at), input), V::nibbles(V::load_words(at.add(N_LANES)), input)]
        }
    }

    /// `w = step · q + least`.
    #[inline(always)]
    unsafe fn scales<V: Lanes>(group: *const u8) -> (Sums<V>, Sums<V>) {
        // SAFETY: the group ends in 16 words.
        unsafe {
            let at = group.add(NIBBLE_BYTES).cast::<u32>();
            let words = [V::load_words(at), V::load_words(at.add(N_LANES))];
            let scale = [V::low_halves(words[0]), V::low_halves(words[1])];
            (scale, [V::high_halves(words[0]), V::high_halves(words[1])])
        }
    }

    fn weight(group: &[u8], input: usize, output: usize) -> f32 {
        let (nibbles, scales) = group.split_at(NIBBLE_BYTES);
        let (idx, shift) = place(input, output);
        let number = (word(nibbles, idx) >> shift) & 15;
        bf16_to_f32(half(scales, 2 * output + 1)) + bf16_to_f32(half(scales, 2 * output)) * number as f32
    }
}

/// The word that holds a nibble, and how far it is shifted there.
fn place(input: usize, output: usize) -> (usize, usize) {
    (input / NIBBLES * WIDTH + output, 4 * (input % NIBBLES))
}

/// What a format unpacks to, kept in f32: for many rows, a panel is unpacked once and multiplied often.
pub struct Unpacked<F>(std::marker::PhantomData<F>);

impl<F: Format> Unpacked<F> {
    const SCALES: usize = F::GROUP * 4 * WIDTH;

    /// # Safety
    ///
    /// `from` reads `n_groups` groups, `to` has room for as many of [`Unpacked`], and the instructions of `V` are there.
    #[inline(always)]
    pub unsafe fn unpack_all<V: Lanes>(from: *const u8, n_groups: usize, to: *mut u8) {
        for idx in 0..n_groups {
            // SAFETY: both pointers are within their groups.
            unsafe {
                let (from, to) = (from.add(idx * F::GROUP_BYTES), to.add(idx * Self::GROUP_BYTES).cast::<f32>());
                for step in 0..F::GROUP / F::STEP {
                    for input in 0..F::STEP {
                        store(F::unpack::<V>(from, step, input), to, step * F::STEP + input);
                    }
                }
                if F::SCALED {
                    let (scale, shift) = F::scales::<V>(from);
                    store(scale, to, F::GROUP);
                    store(shift, to, F::GROUP + 1);
                }
            }
        }
    }
}

/// # Safety
///
/// `to` has room for `idx + 1` runs of 16 numbers, and the instructions of `V` are there.
#[inline(always)]
unsafe fn store<V: Lanes>(sums: Sums<V>, to: *mut f32, idx: usize) {
    // SAFETY: as the caller's.
    unsafe {
        sums[0].store(to.add(idx * WIDTH));
        sums[1].store(to.add(idx * WIDTH + N_LANES));
    }
}

impl<F: Format> Format for Unpacked<F> {
    const GROUP: usize = F::GROUP;
    const GROUP_BYTES: usize = Self::SCALES + if F::SCALED { 8 * WIDTH } else { 0 };
    const STEP: usize = 1;
    const SCALED: bool = F::SCALED;
    const SHIFTED: bool = F::SHIFTED;
    const FACTORED: bool = F::FACTORED;

    fn pack(_: &Tile, _: usize, _: &mut [u8]) {
        unreachable!("unpacked groups are written by unpack_all")
    }

    #[inline(always)]
    unsafe fn unpack<V: Lanes>(group: *const u8, step: usize, _: usize) -> Sums<V> {
        // SAFETY: each step is 16 numbers of the group.
        unsafe {
            let at = group.cast::<f32>().add(step * WIDTH);
            [V::load(at), V::load(at.add(N_LANES))]
        }
    }

    #[inline(always)]
    unsafe fn scales<V: Lanes>(group: *const u8) -> (Sums<V>, Sums<V>) {
        // SAFETY: a scaled group ends in two runs of 16 numbers.
        unsafe {
            let at = group.add(Self::SCALES).cast::<f32>();
            let scale = [V::load(at), V::load(at.add(N_LANES))];
            (scale, [V::load(at.add(WIDTH)), V::load(at.add(WIDTH + N_LANES))])
        }
    }

    fn weight(_: &[u8], _: usize, _: usize) -> f32 {
        unreachable!("unpacked groups live within one product")
    }
}
