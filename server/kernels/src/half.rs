//! Numbers of 16 bits.

/// The nearest bf16; of two equally near the even one.
#[inline(always)]
pub fn bf16_from_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40; // its payload may lie in the half that is cut off
    }
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

#[inline(always)]
pub fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest f16; of two equally near the even one. What is too large becomes infinite.
pub fn f16_from_f32(value: f32) -> u16 {
    let sign = ((value.to_bits() >> 16) & 0x8000) as u16;
    let size = value.abs();
    if size.is_nan() {
        return sign | 0x7e00;
    }
    if size >= 65520.0 {
        return sign | 0x7c00;
    }
    if size < 6.103_515_6e-5 {
        // Below the smallest normal number the steps are 2⁻²⁴; adding 2⁻¹ leaves just those in the last bits.
        return sign | ((size + 0.5).to_bits() - 0.5_f32.to_bits()) as u16;
    }
    let bits = size.to_bits() - (112 << 23);
    sign | ((bits + 0xfff + ((bits >> 13) & 1)) >> 13) as u16
}

#[inline(always)]
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let rest = u32::from(bits & 0x7fff) << 13;
    let size = match bits & 0x7c00 {
        0 => f32::from_bits(rest | (113 << 23)) - f32::from_bits(113 << 23),
        0x7c00 => f32::from_bits(rest + (224 << 23)),
        _ => f32::from_bits(rest + (112 << 23)),
    };
    f32::from_bits(size.to_bits() | sign)
}

#[cfg(test)]
mod tests;
