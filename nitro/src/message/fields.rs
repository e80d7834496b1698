//! Reading a map of named fields: what an answer of the module is made of.
//!
//! Tolerant where modules differ, strict everywhere else:
//! - Maps and arrays have definite or indefinite lengths. The answers of QEMU's module and those that Linux's driver
//!   expects are definite; the real module's attestation documents have indefinite maps, and the same serializer
//!   writes its answers.
//! - Fields come in any order: modules differ in it. One that is not known is stepped over, whatever its value, because
//!   AWS promises that minor versions of the interface are backwards compatible.
//! - Integers and lengths may be written longer than they need be: nothing here is signed or compared as bytes.
//! - Strings are definite, keys are texts; a field that stands twice, is missing, or has another type or length than
//!   its place demands is refused, and so is anything after the end.

use std::fmt::Display;

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error as DecodeError;
use pcrseal_core::error::{Code, Error};

/// An answer that is not of the form that its request demands.
pub(crate) fn malformed(place: &str, expected: &'static str, found: impl Display) -> Error {
    Error::at(Code::NsmAnswerMalformed, place, expected, found)
}

/// The same, from what the CBOR reader says: types and positions, never content.
pub(crate) fn fault(place: &str, expected: &'static str) -> impl FnOnce(DecodeError) -> Error {
    move |error| malformed(place, expected, error)
}

/// A text of the module's for an error: printable, and short.
pub(crate) fn shown(text: &str) -> String {
    /// More than any name of the interface has.
    const SHOWN: usize = 40;
    let mut characters = text.chars();
    let mut shown: String = characters.by_ref().take(SHOWN).flat_map(char::escape_debug).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A field of an answer, by its name: the operation's, a dot, the field's own.
pub(crate) struct Field<T> {
    place: &'static str,
    value: Option<T>,
}

impl<T> Field<T> {
    pub(crate) const fn new(place: &'static str) -> Self {
        Self { place, value: None }
    }

    pub(crate) const fn place(&self) -> &'static str {
        self.place
    }

    /// Takes the value, once.
    pub(crate) fn set(&mut self, value: T) -> Result<(), Error> {
        match self.value.replace(value) {
            None => Ok(()),
            Some(_) => Err(malformed(self.place, "the field once", "it twice")),
        }
    }

    /// The value, which must have come.
    pub(crate) fn required(self) -> Result<T, Error> {
        self.value.ok_or_else(|| malformed(self.place, "the field", "nothing"))
    }
}

/// Reads the map that comes next: `field` is given each key, and reads its value, or says `false` to have it stepped
/// over.
pub(crate) fn read<'a>(
    decoder: &mut Decoder<'a>,
    place: &'static str,
    mut field: impl FnMut(&'a str, &mut Decoder<'a>) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut left = decoder.map().map_err(fault(place, "a map"))?;
    while more(decoder, &mut left) {
        let key = decoder.str().map_err(fault(place, "the name of a field"))?;
        if !field(key, decoder)? {
            step_over(decoder)
                .map_err(|error| malformed(&format!("{place}.{}", shown(key)), "a value", error))?;
        }
    }
    Ok(())
}

/// Whether another item follows; `left` counts those of a definite length. Consumes the break that ends an indefinite
/// one. Where the bytes end early there is more: reading it says so.
pub(crate) fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> bool {
    match left {
        Some(0) => false,
        Some(count) => {
            *count -= 1;
            true
        }
        None if is_break(decoder) => {
            decoder.set_position(decoder.position().saturating_add(1));
            false
        }
        None => true,
    }
}

/// Demands that nothing follows.
pub(crate) fn end(decoder: &Decoder<'_>, place: &str) -> Result<(), Error> {
    match decoder.input().len().saturating_sub(decoder.position()) {
        0 => Ok(()),
        left => Err(malformed(place, "nothing after the end", format_args!("{left} bytes"))),
    }
}

/// Steps over a value of any kind. minicbor's `skip` would take a break for one.
fn step_over(decoder: &mut Decoder<'_>) -> Result<(), DecodeError> {
    if is_break(decoder) {
        return Err(DecodeError::type_mismatch(Type::Break).at(decoder.position()));
    }
    decoder.skip()
}

fn is_break(decoder: &Decoder<'_>) -> bool {
    decoder.datatype().is_ok_and(|next| next == Type::Break)
}
