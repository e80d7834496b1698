//! What a structure of fixed shape demands of its items: this many, of this length, with this very value.

use super::Reader;
use crate::error::{Code, Error};

impl Reader<'_> {
    /// An array of exactly `items`.
    pub(crate) fn array_of(&mut self, items: u64, field: &'static str) -> Result<(), Error> {
        let found = self.array(field)?;
        same(found == items, field)
    }

    /// A map of exactly `pairs`.
    pub(crate) fn map_of(&mut self, pairs: u64, field: &'static str) -> Result<(), Error> {
        let found = self.map(field)?;
        same(found == pairs, field)
    }

    /// A byte string of exactly `N` bytes.
    pub(crate) fn fixed_bytes<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Error> {
        self.bytes(field)?.try_into().map_err(|_| Error::field(Code::CborValue, field))
    }

    /// This integer.
    pub(crate) fn expect_int(&mut self, value: i64, field: &'static str) -> Result<(), Error> {
        let found = self.int(field)?;
        same(found == value, field)
    }

    /// This text: the key of a map whose order is fixed.
    pub(crate) fn expect_key(&mut self, key: &'static str) -> Result<(), Error> {
        let found = self.text(key)?;
        same(found == key, key)
    }

    /// This tag.
    pub(crate) fn expect_tag(&mut self, tag: u64, field: &'static str) -> Result<(), Error> {
        let found = self.tag(field)?;
        same(found == Some(tag), field)
    }
}

fn same(same: bool, field: &'static str) -> Result<(), Error> {
    if same { Ok(()) } else { Err(Error::field(Code::CborValue, field)) }
}
