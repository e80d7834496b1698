//! The few pieces of DER (X.690) that a `TBSCertificate` is made of.
//!
//! Lengths are definite, minimal and below 65536; nothing is recursive and nothing is allocated.

/// The bytes are not the DER that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// An identifier octet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(u8);

impl Tag {
    pub(crate) const BOOLEAN: Self = Self(0x01);
    pub(crate) const INTEGER: Self = Self(0x02);
    pub(crate) const BIT_STRING: Self = Self(0x03);
    pub(crate) const OCTET_STRING: Self = Self(0x04);
    pub(crate) const OBJECT_IDENTIFIER: Self = Self(0x06);
    pub(crate) const UTC_TIME: Self = Self(0x17);
    pub(crate) const GENERALIZED_TIME: Self = Self(0x18);
    pub(crate) const SEQUENCE: Self = Self(0x30);
    pub(crate) const CONTEXT_0: Self = Self(0xa0);
    pub(crate) const CONTEXT_3: Self = Self(0xa3);
}

/// Reads elements one after the other.
#[derive(Clone, Copy)]
pub(crate) struct DerReader<'a> {
    rest: &'a [u8],
}

impl<'a> DerReader<'a> {
    /// A reader at the start of `bytes`.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The contents of the next element, which must have this tag.
    pub(crate) fn value(&mut self, tag: Tag) -> Result<&'a [u8], Malformed> {
        let (&identifier, rest) = self.rest.split_first().ok_or(Malformed)?;
        if identifier != tag.0 {
            return Err(Malformed);
        }
        let (length, rest) = length(rest)?;
        let (value, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(value)
    }

    /// The contents of the next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, Malformed> {
        if self.rest.first() == Some(&tag.0) { self.value(tag).map(Some) } else { Ok(None) }
    }

    /// A BOOLEAN DEFAULT FALSE: DER leaves the default out, and writes TRUE as `ff` (X.690 section 11).
    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.optional(Tag::BOOLEAN)? {
            None => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(Malformed),
        }
    }

    /// Whether everything is read.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Demands that everything is read.
    pub(crate) const fn end(self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// Reads a length of one to three octets, in its shortest form (X.690 section 10.1).
fn length(bytes: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (length, rest) = match *bytes {
        [short @ 0..=0x7f, ref rest @ ..] => (usize::from(short), rest),
        [0x81, length @ 0x80..=0xff, ref rest @ ..] => (usize::from(length), rest),
        [0x82, high @ 1..=0xff, low, ref rest @ ..] => (usize::from(u16::from_be_bytes([high, low])), rest),
        _ => return Err(Malformed),
    };
    Ok((length, rest))
}

/// Reads a Time as certificates hold it: seconds since the epoch.
///
/// RFC 5280 section 4.1.2.5: `UTCTime` is YYMMDDHHMMSSZ (YY at or above 50 is 19YY), `GeneralizedTime` is
/// YYYYMMDDHHMMSSZ; both end in Z and have no fractions. Times before 1970 are refused.
pub(crate) fn time(reader: &mut DerReader<'_>) -> Result<u64, Malformed> {
    let (year, rest) = if let Some(value) = reader.optional(Tag::UTC_TIME)? {
        let (&year, rest) = value.split_first_chunk::<2>().ok_or(Malformed)?;
        let year = two_digits(year)?;
        (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
    } else {
        let value = reader.value(Tag::GENERALIZED_TIME)?;
        let (&[a, b, c, d], rest) = value.split_first_chunk::<4>().ok_or(Malformed)?;
        (100 * two_digits([a, b])? + two_digits([c, d])?, rest)
    };
    let (pairs, [b'Z']) = rest.as_chunks::<2>() else { return Err(Malformed) };
    let &[month, day, hour, minute, second] = pairs else { return Err(Malformed) };
    let (month, day) = (two_digits(month)?, two_digits(day)?);
    let (hour, minute, second) = (two_digits(hour)?, two_digits(minute)?, two_digits(second)?);
    if year < 1970 || day == 0 || day > days_in_month(year, month)? {
        return Err(Malformed);
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(Malformed);
    }
    Ok(((days_before(year, month)? + day - 1) * 24 + hour) * 3600 + minute * 60 + second)
}

fn two_digits(digits: [u8; 2]) -> Result<u64, Malformed> {
    match digits {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Ok(u64::from(tens - b'0') * 10 + u64::from(ones - b'0')),
        _ => Err(Malformed),
    }
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn days_in_month(year: u64, month: u64) -> Result<u64, Malformed> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Ok(31),
        4 | 6 | 9 | 11 => Ok(30),
        2 => Ok(if is_leap(year) { 29 } else { 28 }),
        _ => Err(Malformed),
    }
}

/// Days from 1970-01-01 to the first of the month; `year` is 1970..9999.
fn days_before(year: u64, month: u64) -> Result<u64, Malformed> {
    // Every fourth year is a leap year, but not every hundredth, but every 400th; 477 of them lie before 1970.
    let last = year - 1;
    let leap_days = last / 4 - last / 100 + last / 400 - 477;
    let mut days = (year - 1970) * 365 + leap_days;
    for earlier in 1..month {
        days += days_in_month(year, earlier)?;
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{DerReader, Malformed, Tag, time};

    fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
        let mut element = alloc::vec![tag, u8::try_from(value.len()).unwrap()];
        element.extend_from_slice(value);
        element
    }

    fn read(tag: u8, text: &str) -> Result<u64, Malformed> {
        time(&mut DerReader::new(&tlv(tag, text.as_bytes())))
    }

    #[test]
    fn times_are_seconds_since_the_epoch() {
        // Reference values: GNU date.
        for (text, expected) in [
            ("700101000000Z", 0),
            ("191028132805Z", 1_572_269_285),
            ("491028142805Z", 2_519_044_085),
            ("000229235959Z", 951_868_799),
            ("240301000000Z", 1_709_251_200),
            ("231231235959Z", 1_704_067_199),
        ] {
            assert_eq!(read(0x17, text), Ok(expected), "{text}");
        }
        assert_eq!(read(0x18, "20500101000000Z"), Ok(2_524_608_000));
        assert_eq!(read(0x18, "21000301000000Z"), Ok(4_107_542_400));
        assert_eq!(read(0x18, "99991231235959Z"), Ok(253_402_300_799));
    }

    #[test]
    fn times_that_are_none_are_refused() {
        for text in [
            "691231235959Z",
            "500101000000Z",
            "230229000000Z",
            "231301000000Z",
            "230001000000Z",
            "230100000000Z",
            "230432000000Z",
            "230101240000Z",
            "230101006000Z",
            "230101000060Z",
            "2301010000Z",
            "230101000000",
            "230101000000+",
            "23010100000 Z",
            "230101000000.5Z",
            "",
        ] {
            assert_eq!(read(0x17, text), Err(Malformed), "{text}");
        }
        assert_eq!(read(0x18, "21000229000000Z"), Err(Malformed));
        assert_eq!(read(0x18, "19691231235959Z"), Err(Malformed));
        assert_eq!(read(0x16, "230101000000Z"), Err(Malformed));
    }

    #[test]
    fn lengths_are_definite_and_minimal() {
        let long: [&[u8]; 5] =
            [&[0x80, 0, 0], &[0x81, 0x01, 0], &[0x82, 0, 0x80], &[0x83, 0, 0, 1, 0], &[0x84, 0, 0, 0, 1, 0]];
        for length in long {
            let mut element = alloc::vec![0x30];
            element.extend_from_slice(length);
            element.resize(300, 0);
            assert_eq!(DerReader::new(&element).value(Tag::SEQUENCE), Err(Malformed), "{length:x?}");
        }
        for size in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff_usize] {
            let mut element = match size {
                0..=0x7f => alloc::vec![0x30, u8::try_from(size).unwrap()],
                0x80..=0xff => alloc::vec![0x30, 0x81, u8::try_from(size).unwrap()],
                _ => [&[0x30, 0x82][..], &u16::try_from(size).unwrap().to_be_bytes()].concat(),
            };
            element.resize(element.len() + size, 7);
            let mut reader = DerReader::new(&element);
            assert_eq!(reader.value(Tag::SEQUENCE).map(<[u8]>::len), Ok(size));
            assert!(reader.is_empty());
            element.pop();
            if size > 0 {
                assert_eq!(DerReader::new(&element).value(Tag::SEQUENCE), Err(Malformed));
            }
        }
    }

    #[test]
    fn flags_are_der_booleans() {
        assert_eq!(DerReader::new(&[]).flag(), Ok(false));
        assert_eq!(DerReader::new(&[1, 1, 0xff]).flag(), Ok(true));
        assert_eq!(DerReader::new(&[1, 1, 0]).flag(), Err(Malformed));
        assert_eq!(DerReader::new(&[1, 1, 1]).flag(), Err(Malformed));
    }
}
