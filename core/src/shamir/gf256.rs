//! Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, the polynomial 0x11b of AES (FIPS 197 section 4.2).
//!
//! No table is used: it would put the secret into the cache's access pattern. Eight elements are worked on at a
//! time, side by side in a word, with shifts and exclusive-ors alone: there is nothing that a compiler could make
//! a secret-dependent branch of. The second operand of a product is always a coordinate or a weight, which are
//! public.

/// The lowest bit of each of the eight elements in a word.
const LOWEST_BITS: u64 = 0x0101_0101_0101_0101;

/// Multiplies every element by a public one, in place.
pub(super) fn multiply(secrets: &mut [u8], public: u8) {
    let (words, rest) = secrets.as_chunks_mut::<8>();
    for word in words {
        *word = multiply_word(u64::from_le_bytes(*word), public).to_le_bytes();
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest.iter()).for_each(|(to, from)| *to = *from);
    let last = multiply_word(u64::from_le_bytes(last), public).to_le_bytes();
    rest.iter_mut().zip(last).for_each(|(to, from)| *to = from);
}

/// The product of two field elements, of which the first may be secret and the second is public.
pub(super) fn mul(secret: u8, public: u8) -> u8 {
    let mut product = [secret];
    multiply(&mut product, public);
    let [product] = product;
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

/// Eight products at once.
const fn multiply_word(secrets: u64, public: u8) -> u64 {
    let mut product = 0;
    let mut shifted = secrets;
    let mut bits = public;
    while bits != 0 {
        if bits & 1 == 1 {
            product ^= shifted;
        }
        shifted = double(shifted);
        bits >>= 1;
    }
    product
}

/// Eight elements times x: shifted by one bit, and 0x1b added wherever a bit was shifted out.
const fn double(elements: u64) -> u64 {
    let out = elements >> 7 & LOWEST_BITS;
    (elements & !(LOWEST_BITS << 7)) << 1 ^ out ^ out << 1 ^ out << 3 ^ out << 4
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
