//! What the processor can do, asked once at run time.

use std::fmt;

/// Instructions that may be used. Values for instructions that this processor lacks cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// As [`Kind::Avx2`], with dot products of bf16 pairs for matrices in bf16.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
    /// What [`Kind::Avx512Bf16`] computes, in plain Rust.
    #[cfg(test)]
    EmulatedBf16,
}

impl Instructions {
    /// Those that every processor has.
    pub const PORTABLE: Instructions = Instructions(Kind::Portable);

    #[cfg(test)]
    pub(crate) const EMULATED_BF16: Instructions = Instructions(Kind::EmulatedBf16);

    /// All that this processor has, the slowest first.
    pub fn all() -> Vec<Instructions> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut all = vec![Instructions::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") {
            all.push(Instructions(Kind::Avx2));
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16") {
                all.push(Instructions(Kind::Avx512Bf16));
            }
        }
        all
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn has_avx2(self) -> bool {
        matches!(self.0, Kind::Avx2 | Kind::Avx512Bf16)
    }

    /// Whether rows are rounded to bf16 before they meet a matrix in bf16.
    pub(crate) fn multiplies_bf16_pairs(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Bf16 => true,
            #[cfg(test)]
            Kind::EmulatedBf16 => true,
            _ => false,
        }
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn has_avx512_bf16(self) -> bool {
        self.0 == Kind::Avx512Bf16
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Bf16 => "avx512-bf16",
            #[cfg(test)]
            Kind::EmulatedBf16 => "emulated-bf16",
        })
    }
}
