//! The few ASN.1 encodings that certificates and CMS are assembled from: DER (X.690), and BER's indefinite
//! length, which AWS KMS uses and DER libraries do not write.

pub(crate) const BOOLEAN_TRUE: &[u8] = &[0x01, 0x01, 0xff];
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
const END_OF_CONTENTS: &[u8] = &[0, 0];

/// The tag of a constructed context-specific element.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// The tag of a primitive context-specific element.
pub(crate) const fn context_primitive(number: u8) -> u8 {
    0x80 | number
}

/// Tag, definite length in its shortest form, and the parts as content (X.690 section 10.1).
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if let Ok(short @ 0..0x80) = u8::try_from(length) {
        out.push(short);
    } else {
        let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|&digit| digit == 0).collect();
        // A usize has at most 8 bytes, so this never saturates.
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
        out.extend(digits);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Tag, indefinite length, the parts and end-of-contents octets (X.690 section 8.1.3.6).
pub(crate) fn indefinite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![tag, 0x80];
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(END_OF_CONTENTS);
    out
}

/// A positive INTEGER from big-endian bytes, in its shortest form (X.690 section 8.3).
pub(crate) fn positive_integer(big_endian: &[u8]) -> Vec<u8> {
    let significant = big_endian.iter().position(|&byte| byte != 0).unwrap_or(big_endian.len());
    let digits = big_endian.get(significant..).unwrap_or_default();
    let needs_sign = digits.first().is_none_or(|&first| first >= 0x80);
    tlv(INTEGER, &[if needs_sign { &[0] } else { &[] }, digits])
}

#[cfg(test)]
mod tests {
    use super::{indefinite, positive_integer, tlv};

    #[test]
    fn lengths_take_their_shortest_form() {
        assert_eq!(tlv(4, &[&[7; 127]])[..2], [4, 127]);
        assert_eq!(tlv(4, &[&[7; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[&[7; 256]])[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn indefinite_length_ends_with_end_of_contents() {
        assert_eq!(indefinite(0x30, &[&[5, 0]]), [0x30, 0x80, 5, 0, 0, 0]);
    }

    #[test]
    fn integers_are_positive_and_shortest() {
        assert_eq!(positive_integer(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(positive_integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(positive_integer(&[0, 0]), [2, 1, 0]);
    }
}
