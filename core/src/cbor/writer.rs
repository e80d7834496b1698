//! Deterministic CBOR (RFC 8949 section 4.2.1): shortest heads, definite lengths. The order of map keys is
//! the caller's; every map that is written here has a fixed one.

use alloc::vec::Vec;

/// Appends data items to a buffer. Writing to memory cannot fail, so nothing here returns a result.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn uint(self, value: u64) -> Self {
        self.head(0, value)
    }

    pub(crate) fn int(self, value: i64) -> Self {
        // The head of a negative integer holds -1 - value (RFC 8949 section 3.1).
        if value < 0 { self.head(1, (!value).unsigned_abs()) } else { self.head(0, value.unsigned_abs()) }
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        self.head(2, bytes.len() as u64).append(bytes)
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.head(3, text.len() as u64).append(text.as_bytes())
    }

    pub(crate) fn array(self, items: usize) -> Self {
        self.head(4, items as u64)
    }

    pub(crate) fn map(self, pairs: usize) -> Self {
        self.head(5, pairs as u64)
    }

    pub(crate) fn tag(self, tag: u64) -> Self {
        self.head(6, tag)
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn append(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    //= RFC 8949 section 3: "The initial byte of each encoded data item contains both information about the
    //= major type (the high-order 3 bits) and additional information (the low-order 5 bits)."
    fn head(mut self, major: u8, value: u64) -> Self {
        let major = major << 5;
        if let Ok(value) = u8::try_from(value) {
            if value < 24 {
                self.0.push(major | value);
            } else {
                self.0.extend_from_slice(&[major | 0x18, value]);
            }
        } else if let Ok(value) = u16::try_from(value) {
            self.0.push(major | 0x19);
            self.0.extend_from_slice(&value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.0.push(major | 0x1a);
            self.0.extend_from_slice(&value.to_be_bytes());
        } else {
            self.0.push(major | 0x1b);
            self.0.extend_from_slice(&value.to_be_bytes());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Writer;

    //= RFC 8949 appendix A: examples of encoded data items
    #[test]
    fn integers_have_the_shortest_heads() {
        for (value, encoded) in [
            (0, &[0x00][..]),
            (23, &[0x17]),
            (24, &[0x18, 0x18]),
            (255, &[0x18, 0xff]),
            (256, &[0x19, 0x01, 0x00]),
            (65_535, &[0x19, 0xff, 0xff]),
            (1_000_000, &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
            (1_000_000_000_000, &[0x1b, 0x00, 0x00, 0x00, 0xe8, 0xd4, 0xa5, 0x10, 0x00]),
            (u64::MAX, &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ] {
            assert_eq!(Writer::with_capacity(16).uint(value).finish(), encoded);
        }
        assert_eq!(Writer::with_capacity(16).int(-5).finish(), [0x24]);
    }

    #[test]
    fn containers_and_strings() {
        let bytes =
            Writer::with_capacity(16).tag(96).array(2).map(1).text("a").bytes(&[1, 2]).uint(1).finish();
        assert_eq!(bytes, [0xd8, 0x60, 0x82, 0xa1, 0x61, b'a', 0x42, 1, 2, 0x01]);
    }
}
