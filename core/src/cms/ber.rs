//! A reader for the few BER elements (X.690) that the profile has. It walks forward, never recurses and never
//! allocates: the caller's code is the grammar, so nesting is as deep as the profile and no deeper.

use crate::error::{Code, Error};

/// OBJECT IDENTIFIER.
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// OCTET STRING, primitive.
pub(super) const OCTET_STRING: u8 = 0x04;
/// NULL.
pub(super) const NULL: u8 = 0x05;
/// SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
/// SET.
pub(super) const SET: u8 = 0x31;
/// The context-specific tag 0 of a primitive element.
pub(super) const CONTEXT_0_PRIMITIVE: u8 = 0x80;
/// The context-specific tag 0 of a constructed element.
pub(super) const CONTEXT_0: u8 = 0xa0;
/// The context-specific tag 1 of a constructed element.
pub(super) const CONTEXT_1: u8 = 0xa1;

/// What has not been read yet.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// A constructed element that was opened and must be closed.
#[must_use]
pub(super) enum Level<'a> {
    /// Its length was given; this follows it.
    Definite { after: &'a [u8] },
    /// It ends with the end-of-contents octets.
    Indefinite,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The tag of the next element, if there is one.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Whether everything was read.
    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was read since `earlier`, a copy of this reader.
    pub(super) fn since(&self, earlier: &Self) -> &'a [u8] {
        let read = earlier.rest.len().saturating_sub(self.rest.len());
        earlier.rest.get(..read).unwrap_or_default()
    }

    /// Opens a constructed element of definite or indefinite length.
    pub(super) fn open(&mut self, tag: u8, field: &'static str) -> Result<Level<'a>, Error> {
        let Some(length) = self.header(tag, field)? else {
            return Ok(Level::Indefinite);
        };
        let (content, after) = self.split(length, field)?;
        self.rest = content;
        Ok(Level::Definite { after })
    }

    /// Closes a constructed element: nothing may be left in it.
    pub(super) fn close(&mut self, level: Level<'a>, field: &'static str) -> Result<(), Error> {
        self.rest = match (level, self.rest) {
            (Level::Definite { after }, []) | (Level::Indefinite, [0, 0, after @ ..]) => after,
            (Level::Indefinite, [] | [0]) => return Err(Error::field(Code::CmsTruncated, field)),
            _ => return Err(Error::field(Code::CmsLeftOver, field)),
        };
        Ok(())
    }

    /// Reads an element of definite length and returns its content.
    pub(super) fn value(&mut self, tag: u8, field: &'static str) -> Result<&'a [u8], Error> {
        let length = self.header(tag, field)?.ok_or_else(|| Error::field(Code::CmsLength, field))?;
        let (content, after) = self.split(length, field)?;
        self.rest = after;
        Ok(content)
    }

    /// Reads a constructed element of definite length and returns a reader of its content.
    pub(super) fn inner(&mut self, tag: u8, field: &'static str) -> Result<Self, Error> {
        self.value(tag, field).map(Self::new)
    }

    /// Nothing may be left.
    pub(super) fn finish(self, field: &'static str) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(Error::field(Code::CmsLeftOver, field)) }
    }

    fn split(&self, length: usize, field: &'static str) -> Result<(&'a [u8], &'a [u8]), Error> {
        self.rest.split_at_checked(length).ok_or_else(|| Error::field(Code::CmsTruncated, field))
    }

    /// Reads tag and length; `None` is the indefinite length (X.690 section 8.1.3.6).
    ///
    /// Definite lengths must be in their shortest form and below 65536: the input is shorter than that.
    fn header(&mut self, tag: u8, field: &'static str) -> Result<Option<usize>, Error> {
        let (found, rest) = self.rest.split_first().ok_or_else(|| Error::field(Code::CmsTruncated, field))?;
        if *found != tag {
            return Err(Error::field(Code::CmsElement, field));
        }
        let (length, rest) = match rest {
            [0x80, rest @ ..] => (None, rest),
            [length @ 0..0x80, rest @ ..] | [0x81, length @ 0x80..=0xff, rest @ ..] => {
                (Some(usize::from(*length)), rest)
            }
            [0x82, high @ 1..=0xff, low, rest @ ..] => {
                (Some(usize::from(u16::from_be_bytes([*high, *low]))), rest)
            }
            [] | [0x81 | 0x82] | [0x82, _] => return Err(Error::field(Code::CmsTruncated, field)),
            _ => return Err(Error::field(Code::CmsLength, field)),
        };
        self.rest = rest;
        Ok(length)
    }
}
