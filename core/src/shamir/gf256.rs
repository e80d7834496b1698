//! Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, the polynomial 0x11b of AES (FIPS 197 section 4.2).
//!
//! No table is used: it would put the secret into the cache's access pattern. No branch depends on the first
//! operand, which may be secret. The second one is always a coordinate or a weight, which are public, and the
//! compiler does branch on it.

use core::hint::black_box;

/// The reduction polynomial without its top bit.
const POLYNOMIAL: u8 = 0x1b;

/// The product of two field elements, of which the first may be secret and the second is public.
pub(super) fn mul(secret: u8, public: u8) -> u8 {
    let mut product = 0;
    let mut shifted = secret;
    for bit in 0..8 {
        product ^= shifted & mask(public >> bit);
        // Hidden from the compiler, because it makes branches of masks, as it does of those above.
        shifted = (shifted << 1) ^ (POLYNOMIAL & mask(black_box(shifted >> 7)));
    }
    product
}

/// The inverse of a public field element; 0 for 0, which has none.
///
/// It is the 254th power, because the multiplicative group has 255 elements: 254 = 2 + 4 + ... + 128.
pub(super) fn inverse(public: u8) -> u8 {
    let mut power = public;
    let mut product = 1;
    for _ in 1..8 {
        power = mul(power, power);
        product = mul(product, power);
    }
    product
}

/// All ones when the lowest bit is set, otherwise zero.
const fn mask(bit: u8) -> u8 {
    (bit & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::{inverse, mul};

    /// Schoolbook: multiply as polynomials over GF(2), then divide by 0x11b.
    fn schoolbook(a: u8, b: u8) -> u8 {
        let mut product: u16 = 0;
        for bit in 0..8 {
            if b >> bit & 1 == 1 {
                product ^= u16::from(a) << bit;
            }
        }
        for bit in (8..16).rev() {
            if product >> bit & 1 == 1 {
                product ^= 0x11b << (bit - 8);
            }
        }
        u8::try_from(product).unwrap()
    }

    #[test]
    fn products_are_the_schoolbook_ones() {
        for a in 0..=255 {
            for b in 0..=255 {
                assert_eq!(mul(a, b), schoolbook(a, b), "{a} * {b}");
            }
        }
    }

    #[test]
    fn products_of_the_standard() {
        // FIPS 197 section 4.2: {57} * {83} = {c1}, {57} * {13} = {fe}.
        assert_eq!(mul(0x57, 0x83), 0xc1);
        assert_eq!(mul(0x57, 0x13), 0xfe);
    }

    #[test]
    fn every_element_but_zero_has_its_inverse() {
        assert_eq!(inverse(0), 0);
        for a in 1..=255 {
            assert_eq!(schoolbook(a, inverse(a)), 1, "{a}");
        }
    }
}
