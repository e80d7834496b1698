//! Strict CBOR reading (RFC 8949) on top of minicbor: shortest heads only, no trailing bytes, no allocation.
//!
//! minicbor reads the heads; this reader refuses what minicbor lets pass (heads longer than they need be) and
//! turns failures into stable codes. It never skips an item and never recurses: every item is asked for by
//! its type, so nesting deeper than the caller's own structure is a wrong type, whatever its depth.
//! Indefinite lengths are refused except for a map that is asked for by [`Reader::map_any`].
//!
//! Duplicate and sorted keys are the caller's to check: only the caller knows what its keys are.

mod expect;
mod writer;

pub(crate) use writer::Writer;

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error as DecodeError};

use crate::error::{Code, Error};

/// Reads items one after the other. Each method takes the field's name, for the error's detail.
pub(crate) struct Reader<'a> {
    decoder: Decoder<'a>,
}

/// How many entries of a map are still to come.
pub(crate) enum Entries {
    /// This many.
    Definite(u64),
    /// As many as there are before the break code.
    Indefinite,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { decoder: Decoder::new(bytes) }
    }

    /// An unsigned integer.
    pub(crate) fn uint(&mut self, field: &'static str) -> Result<u64, Error> {
        let start = self.decoder.position();
        let value = self.decoder.u64().map_err(|error| self.fault(&error, start, field))?;
        self.shortest(start, value, field)?;
        Ok(value)
    }

    /// An integer of either sign, within 64 bits.
    pub(crate) fn int(&mut self, field: &'static str) -> Result<i64, Error> {
        let start = self.decoder.position();
        let value = self.decoder.int().map_err(|error| self.fault(&error, start, field))?;
        let value = i64::try_from(value).map_err(|_| Error::field(Code::CborRange, field))?;
        // The head of a negative integer holds -1 - value (RFC 8949 section 3.1).
        let argument = if value < 0 { !value } else { value };
        self.shortest(start, argument.unsigned_abs(), field)?;
        Ok(value)
    }

    /// A byte string.
    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], Error> {
        let start = self.decoder.position();
        let bytes = self.decoder.bytes().map_err(|error| self.fault(&error, start, field))?;
        self.shortest(start.saturating_add(bytes.len()), bytes.len() as u64, field)?;
        Ok(bytes)
    }

    /// A text string.
    pub(crate) fn text(&mut self, field: &'static str) -> Result<&'a str, Error> {
        let start = self.decoder.position();
        let text = self.decoder.str().map_err(|error| self.fault(&error, start, field))?;
        self.shortest(start.saturating_add(text.len()), text.len() as u64, field)?;
        Ok(text)
    }

    /// A byte string, or `None` for null.
    pub(crate) fn bytes_or_null(&mut self, field: &'static str) -> Result<Option<&'a [u8]>, Error> {
        if self.next_is(Type::Null) {
            self.skip_one_byte();
            return Ok(None);
        }
        self.bytes(field).map(Some)
    }

    /// The head of an array: the number of its items, which is never more than the bytes that are left.
    pub(crate) fn array(&mut self, field: &'static str) -> Result<u64, Error> {
        let start = self.decoder.position();
        let count = self.decoder.array().map_err(|error| self.fault(&error, start, field))?;
        let count = count.ok_or_else(|| Error::field(Code::CborIndefinite, field))?;
        self.counted(start, count, 1, field)
    }

    /// The head of a map of definite length: the number of its entries, never more than half the bytes left.
    pub(crate) fn map(&mut self, field: &'static str) -> Result<u64, Error> {
        match self.map_any(field)? {
            Entries::Definite(count) => Ok(count),
            Entries::Indefinite => Err(Error::field(Code::CborIndefinite, field)),
        }
    }

    /// The head of a map of definite or indefinite length, to be read with [`Reader::more`].
    pub(crate) fn map_any(&mut self, field: &'static str) -> Result<Entries, Error> {
        let start = self.decoder.position();
        match self.decoder.map().map_err(|error| self.fault(&error, start, field))? {
            Some(count) => self.counted(start, count, 2, field).map(Entries::Definite),
            None => Ok(Entries::Indefinite),
        }
    }

    /// Whether another entry follows; consumes the break code that ends a map of indefinite length.
    pub(crate) fn more(&mut self, entries: &mut Entries) -> bool {
        match entries {
            Entries::Definite(0) => false,
            Entries::Definite(count) => {
                *count -= 1;
                true
            }
            Entries::Indefinite if self.next_is(Type::Break) => {
                self.skip_one_byte();
                *entries = Entries::Definite(0);
                false
            }
            Entries::Indefinite => true,
        }
    }

    /// The tag before the next item, if it has one.
    pub(crate) fn tag(&mut self, field: &'static str) -> Result<Option<u64>, Error> {
        if !self.next_is(Type::Tag) {
            return Ok(None);
        }
        let start = self.decoder.position();
        let tag = self.decoder.tag().map_err(|error| self.fault(&error, start, field))?.as_u64();
        self.shortest(start, tag, field)?;
        Ok(Some(tag))
    }

    /// Demands that nothing follows.
    pub(crate) fn end(self, field: &'static str) -> Result<(), Error> {
        match self.remaining() {
            0 => Ok(()),
            found => Err(Error::number(Code::CborTrailing, field, "no bytes after the end", found)),
        }
    }

    fn remaining(&self) -> u64 {
        self.decoder.input().len().saturating_sub(self.decoder.position()) as u64
    }

    fn next_is(&self, wanted: Type) -> bool {
        self.decoder.datatype().is_ok_and(|next| next == wanted)
    }

    fn skip_one_byte(&mut self) {
        self.decoder.set_position(self.decoder.position().saturating_add(1));
    }

    /// Checks a head that announces `count` elements of at least `size` bytes each.
    fn counted(&self, start: usize, count: u64, size: u64, field: &'static str) -> Result<u64, Error> {
        self.shortest(start, count, field)?;
        if count > self.remaining() / size {
            return Err(Error::field(Code::CborTruncated, field));
        }
        Ok(count)
    }

    /// Checks that the head just read (from `start` to the position) is the shortest for its argument.
    ///
    /// RFC 8949 section 4.2.1: the argument must be as short as possible.
    fn shortest(&self, start: usize, argument: u64, field: &'static str) -> Result<(), Error> {
        let needed = match argument {
            0..=23 => 1,
            24..=0xff => 2,
            0x100..=0xffff => 3,
            0x1_0000..=0xffff_ffff => 5,
            _ => 9,
        };
        if self.decoder.position().saturating_sub(start) != needed {
            return Err(Error::field(Code::CborNotShortest, field));
        }
        Ok(())
    }

    fn fault(&self, error: &DecodeError, start: usize, field: &'static str) -> Error {
        let code = if error.is_end_of_input() {
            Code::CborTruncated
        } else if error.is_type_mismatch() {
            match self.decoder.input().get(start) {
                // An indefinite byte or text string; arrays and maps are told apart by their count.
                Some(0x5f | 0x7f) => Code::CborIndefinite,
                _ => Code::CborType,
            }
        } else {
            // What is left: invalid UTF-8, and a length beyond this machine's address space.
            Code::CborText
        };
        Error::field(code, field)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::{Entries, Reader};
    use crate::error::{Code, Error};

    fn code<T>(result: Result<T, Error>) -> Code {
        result.err().expect("an error").code()
    }

    #[test]
    fn integers_at_the_edges_of_every_head_length() {
        for value in [0, 23, 24, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX] {
            let encoded = minicbor::to_vec(value).unwrap();
            let mut reader = Reader::new(&encoded);
            assert_eq!(reader.uint("f").unwrap(), value);
            reader.end("f").unwrap();
        }
        for value in [0, -1, -24, -25, -35, -256, -257, -65_536, -65_537, i64::MIN, i64::MAX] {
            let encoded = minicbor::to_vec(value).unwrap();
            assert_eq!(Reader::new(&encoded).int("f").unwrap(), value);
        }
        assert_eq!(code(Reader::new(&[0x3b, 0xff, 0, 0, 0, 0, 0, 0, 0]).int("f")), Code::CborRange);
        assert_eq!(code(Reader::new(&[0x1b, 0xff, 0, 0, 0, 0, 0, 0, 0]).int("f")), Code::CborRange);
        assert_eq!(code(Reader::new(&[0x20]).uint("f")), Code::CborType);
    }

    #[test]
    fn heads_longer_than_they_need_be_are_refused() {
        let long: [&[u8]; 4] =
            [&[0x18, 23], &[0x19, 0, 0xff], &[0x1a, 0, 0, 0xff, 0xff], &[0x1b, 0, 0, 0, 0, 1, 0, 0, 0]];
        for head in long {
            assert_eq!(code(Reader::new(head).uint("f")), Code::CborNotShortest);
            let mut negative = head.to_vec();
            negative[0] |= 0x20;
            assert_eq!(code(Reader::new(&negative).int("f")), Code::CborNotShortest);
        }
        assert_eq!(code(Reader::new(&[0x58, 1, 0]).bytes("f")), Code::CborNotShortest);
        assert_eq!(code(Reader::new(&[0x78, 1, b'a']).text("f")), Code::CborNotShortest);
        assert_eq!(code(Reader::new(&[0x98, 1, 0]).array("f")), Code::CborNotShortest);
        assert_eq!(code(Reader::new(&[0xb8, 1, 0, 0]).map("f")), Code::CborNotShortest);
        assert_eq!(code(Reader::new(&[0xd8, 18 + 5, 0x80]).tag("f")), Code::CborNotShortest);
    }

    #[test]
    fn strings_are_borrowed_and_definite() {
        assert_eq!(Reader::new(b"\x43abc").bytes("f").unwrap(), b"abc");
        assert_eq!(Reader::new(b"\x63abc").text("f").unwrap(), "abc");
        assert_eq!(code(Reader::new(b"\x63abc").bytes("f")), Code::CborType);
        assert_eq!(code(Reader::new(b"\x43abc").text("f")), Code::CborType);
        assert_eq!(code(Reader::new(b"\x62\xff\xff").text("f")), Code::CborText);
        assert_eq!(code(Reader::new(b"\x5f\x41a\xff").bytes("f")), Code::CborIndefinite);
        assert_eq!(code(Reader::new(b"\x7f\x61a\xff").text("f")), Code::CborIndefinite);
        assert_eq!(code(Reader::new(b"\x43ab").bytes("f")), Code::CborTruncated);
        assert_eq!(code(Reader::new(b"").bytes("f")), Code::CborTruncated);
        for reserved in [0x5c, 0x5d, 0x5e] {
            assert_eq!(code(Reader::new(&[reserved, 0]).bytes("f")), Code::CborType);
        }
    }

    #[test]
    fn lengths_blown_up_are_truncation() {
        let huge = |major: u8| vec![major << 5 | 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(code(Reader::new(&huge(2)).bytes("f")), Code::CborTruncated);
        assert_eq!(code(Reader::new(&huge(3)).text("f")), Code::CborTruncated);
        assert_eq!(code(Reader::new(&huge(4)).array("f")), Code::CborTruncated);
        assert_eq!(code(Reader::new(&huge(5)).map("f")), Code::CborTruncated);
        assert_eq!(code(Reader::new(&[0x82, 0]).array("f")), Code::CborTruncated);
        assert_eq!(code(Reader::new(&[0xa1, 0]).map("f")), Code::CborTruncated);
    }

    #[test]
    fn containers_nulls_and_tags() {
        assert_eq!(Reader::new(&[0x82, 0, 0]).array("f").unwrap(), 2);
        assert_eq!(code(Reader::new(&[0x9f, 0xff]).array("f")), Code::CborIndefinite);
        assert_eq!(Reader::new(&[0xa1, 0, 0]).map("f").unwrap(), 1);
        assert_eq!(code(Reader::new(&[0xbf, 0xff]).map("f")), Code::CborIndefinite);
        assert_eq!(code(Reader::new(&[0xf6]).map("f")), Code::CborType);
        assert_eq!(Reader::new(&[0xf6]).bytes_or_null("f").unwrap(), None);
        assert_eq!(Reader::new(&[0x40]).bytes_or_null("f").unwrap(), Some(&[][..]));
        assert_eq!(code(Reader::new(&[0xf7]).bytes_or_null("f")), Code::CborType);
        assert_eq!(Reader::new(&[0xd2, 0]).tag("f").unwrap(), Some(18));
        assert_eq!(Reader::new(&[0xd8, 96, 0]).tag("f").unwrap(), Some(96));
        assert_eq!(Reader::new(&[0]).tag("f").unwrap(), None);
        assert_eq!(code(Reader::new(&[0]).end("f")), Code::CborTrailing);
    }

    #[test]
    fn a_map_of_either_length_gives_its_entries_and_then_ends() {
        for encoded in [&[0xa2, 1, 2, 3, 4][..], &[0xbf, 1, 2, 3, 4, 0xff]] {
            let mut reader = Reader::new(encoded);
            let mut entries = reader.map_any("f").unwrap();
            let mut seen = Vec::new();
            while reader.more(&mut entries) {
                seen.push((reader.uint("k").unwrap(), reader.uint("v").unwrap()));
            }
            assert_eq!(seen, [(1, 2), (3, 4)]);
            assert!(!reader.more(&mut entries));
            assert!(matches!(entries, Entries::Definite(0)));
            reader.end("f").unwrap();
        }
        let mut reader = Reader::new(&[0xbf, 1, 2]);
        let mut entries = reader.map_any("f").unwrap();
        assert!(reader.more(&mut entries));
        reader.uint("k").unwrap();
        reader.uint("v").unwrap();
        assert!(reader.more(&mut entries), "no break code: the next read reports the truncation");
        assert_eq!(code(reader.uint("k")), Code::CborTruncated);
    }
}
