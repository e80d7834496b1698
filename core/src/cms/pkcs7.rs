//! PKCS#7 padding of AES-CBC (RFC 5652 section 6.3), checked in constant time.

use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};

use super::BLOCK_LEN;

/// Looks at the last block of a decrypted content: whether its padding is good, and the padding's length.
///
//= RFC 5652 section 6.3: "the input shall be padded at the trailing end with k-(lth mod k) octets all having
//= value k-(lth mod k)".
///
/// All 16 bytes are looked at whatever they hold, and no branch depends on them. When the padding is not good
/// the length means nothing.
pub(super) fn check(last_block: &[u8; BLOCK_LEN]) -> (Choice, u8) {
    let [.., length] = *last_block;
    let mut good = !length.ct_eq(&0) & !length.ct_gt(&16);
    for (from_end, byte) in (0_u8..).zip(last_block.iter().rev()) {
        let is_padding = from_end.ct_lt(&length);
        good &= !is_padding | byte.ct_eq(&length);
    }
    (good, length)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn every_padding_length_with_every_last_byte() {
        for last in 0..=255_u8 {
            for run in 0..=16_usize {
                // The last `run` bytes are alike; those before differ from them.
                let mut block = [last ^ 0x80; 16];
                block[16 - run..].fill(last);
                block[15] = last;
                let expected = (1..=16).contains(&last) && usize::from(last) <= run.max(1);
                let (good, length) = check(&block);
                assert_eq!(bool::from(good), expected, "{block:?}");
                assert_eq!(length, last);
            }
        }
    }

    #[test]
    fn every_wrong_bit_in_the_padding_is_seen_and_none_before_it() {
        for length in 1..=16_u8 {
            let mut block = [length; 16];
            for position in 0..15 {
                for bit in 0..8 {
                    block[position] ^= 1 << bit;
                    let in_padding = position + usize::from(length) >= 16;
                    assert_eq!(bool::from(check(&block).0), !in_padding, "{block:?}");
                    block[position] ^= 1 << bit;
                }
            }
        }
    }
}
