use super::*;

#[test]
fn every_half_survives_the_way_there_and_back() {
    for bits in 0..=u16::MAX {
        let (bf16, f16) = (bf16_to_f32(bits), f16_to_f32(bits));
        assert_eq!(bf16.is_nan(), bf16_to_f32(bf16_from_f32(bf16)).is_nan());
        assert_eq!(f16.is_nan(), f16_to_f32(f16_from_f32(f16)).is_nan());
        assert!(bf16.is_nan() || bf16_from_f32(bf16) == bits, "{bf16}");
        assert!(f16.is_nan() || f16_from_f32(f16) == bits, "{f16}");
    }
}

#[test]
fn between_two_halves_the_nearer_is_taken() {
    let check = |to: fn(u16) -> f32, from: fn(f32) -> u16, largest: u16| {
        for bits in 0..largest {
            let (low, high) = (to(bits), to(bits + 1));
            let middle = ((f64::from(low) + f64::from(high)) / 2.0) as f32;
            let even = bits + bits % 2;
            assert_eq!(from(middle), even, "{low} and {high}");
            assert_eq!(from(middle.next_down()), bits);
            assert_eq!(from(-middle.next_up()), (bits + 1) | 0x8000);
        }
    };
    check(f16_to_f32, f16_from_f32, 0x7bff);
    check(bf16_to_f32, bf16_from_f32, 0x7f7f);
}

#[test]
fn known_numbers() {
    assert_eq!(f16_to_f32(0x3c00), 1.0);
    assert_eq!(f16_to_f32(0x0001), 2.0_f32.powi(-24));
    assert_eq!(f16_to_f32(0xfbff), -65504.0);
    assert_eq!(f16_to_f32(0x7c00), f32::INFINITY);
    assert_eq!(f16_from_f32(1e6), 0x7c00);
    assert_eq!(bf16_to_f32(0x3f80), 1.0);
    assert_eq!(bf16_from_f32(f32::MAX), 0x7f80);
}
