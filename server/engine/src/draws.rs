//! The random numbers of an answer, as a function of its seed and of nothing else.
//!
//! SplitMix64 can be asked for its n-th output directly, so no state is kept, and neither the other rows of a batch nor
//! the way a prompt was cut into steps can shift a draw.
//! (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.)

/// The draw in `[0, 1)` for token `token_idx` of the answer with this seed.
pub fn uniform(seed: u64, token_idx: u32) -> f64 {
    // Scattered first, because the streams of two seeds that lie a multiple of `GAMMA` apart would be one and the same.
    let stream = split_mix(seed, 0);
    // The upper 53 bits fill a double's mantissa exactly, so that 1.0 is never reached.
    (split_mix(stream, u64::from(token_idx)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Output `n`, from 0, of SplitMix64 started with `seed`.
fn split_mix(seed: u64, n: u64) -> u64 {
    let state = seed.wrapping_add(GAMMA.wrapping_mul(n.wrapping_add(1)));
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

/// The odd number nearest to 2⁶⁴ divided by the golden ratio.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(test)]
mod tests;
