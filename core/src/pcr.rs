//! Platform configuration registers of a Nitro Enclave: indices, values, sets.
//!
//! Meanings (AWS, "Cryptographic attestation"): 0 enclave image, 1 kernel and boot ramfs, 2 application,
//! 3 the parent's IAM role, 4 the parent's instance id, 8 the image signing certificate.

mod measurements;
mod predicted;

use core::fmt;

pub(crate) use predicted::is_instance_id;

use crate::error::{Code, Error};
use crate::limits::{PCR_COUNT, PCR_LEN};

/// A PCR's index, 0..31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PcrIndex(u8);

impl PcrIndex {
    /// Every index, ascending.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + Clone {
        (0..32).map(Self)
    }

    /// The index as a number, 0..31.
    pub const fn get(self) -> u8 {
        self.0
    }

    const fn slot(self) -> usize {
        self.0 as usize
    }
}

impl TryFrom<u64> for PcrIndex {
    type Error = Error;

    fn try_from(raw: u64) -> Result<Self, Error> {
        match u8::try_from(raw) {
            Ok(index) if usize::from(index) < PCR_COUNT => Ok(Self(index)),
            _ => Err(Error::number(Code::PcrIndex, "PCR index", "0..31", raw)),
        }
    }
}

impl fmt::Display for PcrIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PCR{}", self.0)
    }
}

/// A PCR's value: 48 bytes of SHA-384. Public: anyone who sees an attestation document knows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pcr([u8; PCR_LEN]);

impl Pcr {
    /// The value of a register that nothing was measured into.
    pub const ZERO: Self = Self([0; PCR_LEN]);

    /// Takes the 48 bytes.
    pub const fn new(bytes: [u8; PCR_LEN]) -> Self {
        Self(bytes)
    }

    /// The 48 bytes.
    pub const fn as_bytes(&self) -> &[u8; PCR_LEN] {
        &self.0
    }

    /// Reads 96 hex digits of either case.
    ///
    /// # Errors
    /// [`Code::PcrLength`], [`Code::PcrHex`].
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let (digits, rest) = text.as_bytes().as_chunks::<2>();
        if digits.len() != PCR_LEN || !rest.is_empty() {
            return Err(Error::number(Code::PcrLength, "hex digits", "96", text.len() as u64));
        }
        let mut bytes = [0; PCR_LEN];
        for (byte, &[high, low]) in bytes.iter_mut().zip(digits) {
            *byte = hex_digit(high)? << 4 | hex_digit(low)?;
        }
        Ok(Self(bytes))
    }
}

fn hex_digit(character: u8) -> Result<u8, Error> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(Code::PcrHex.into()),
    }
}

impl TryFrom<&[u8]> for Pcr {
    type Error = Error;

    fn try_from(bytes: &[u8]) -> Result<Self, Error> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| Error::number(Code::PcrLength, "bytes", "48", bytes.len() as u64))
    }
}

impl fmt::Display for Pcr {
    /// 96 lower-case hex digits, as key policies want them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pcr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pcr({self})")
    }
}

/// A choice of PCR indices.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PcrSelection(u32);

impl PcrSelection {
    /// PCR0, PCR1 and PCR2: image, kernel and application. The default of a trust policy.
    pub const IMAGE: Self = Self(0b111);

    /// Nothing selected.
    pub const EMPTY: Self = Self(0);

    /// This selection and one index more.
    #[must_use]
    pub const fn with(self, index: PcrIndex) -> Self {
        Self(self.0 | 1 << index.0)
    }

    /// Whether the index is selected.
    pub const fn contains(self, index: PcrIndex) -> bool {
        self.0 & 1 << index.0 != 0
    }

    /// Whether every index of `other` is selected here too.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is selected.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The selected indices, ascending.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = PcrIndex> + Clone {
        PcrIndex::all().filter(move |&index| self.contains(index))
    }
}

impl FromIterator<PcrIndex> for PcrSelection {
    fn from_iter<I: IntoIterator<Item = PcrIndex>>(indices: I) -> Self {
        indices.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for PcrSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(PcrIndex::get)).finish()
    }
}

/// PCR values by index. Holds up to 32 values in place (no allocation, about 1.6 KiB).
#[derive(Clone, PartialEq, Eq)]
pub struct PcrSet {
    selection: PcrSelection,
    // Registers outside the selection stay zero, so that the derived equality is right.
    values: [Pcr; PCR_COUNT],
}

impl PcrSet {
    /// No values.
    pub const fn new() -> Self {
        Self { selection: PcrSelection::EMPTY, values: [Pcr::ZERO; PCR_COUNT] }
    }

    /// The value at an index, if there is one.
    pub fn get(&self, index: PcrIndex) -> Option<&Pcr> {
        if self.selection.contains(index) { self.values.get(index.slot()) } else { None }
    }

    /// Sets the value at an index, and gives the one that was there.
    pub fn insert(&mut self, index: PcrIndex, value: Pcr) -> Option<Pcr> {
        let previous = self.get(index).copied();
        if let Some(slot) = self.values.get_mut(index.slot()) {
            *slot = value;
            self.selection = self.selection.with(index);
        }
        previous
    }

    /// Which indices have a value.
    pub const fn selection(&self) -> PcrSelection {
        self.selection
    }

    /// Number of values.
    pub const fn len(&self) -> usize {
        self.selection.0.count_ones() as usize
    }

    /// Whether there are no values.
    pub const fn is_empty(&self) -> bool {
        self.selection.is_empty()
    }

    /// Indices and values, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (PcrIndex, &Pcr)> + Clone {
        self.selection.iter().zip(
            PcrIndex::all()
                .zip(&self.values)
                .filter_map(|(index, value)| self.selection.contains(index).then_some(value)),
        )
    }

    /// The selected values alone.
    ///
    /// # Errors
    /// [`Code::PcrMissing`] when a selected index has no value here; the detail names the lowest of them.
    pub fn select(&self, selection: PcrSelection) -> Result<Self, Error> {
        let mut selected = Self::new();
        for index in selection.iter() {
            match self.get(index) {
                Some(&value) => selected.insert(index, value),
                None => {
                    return Err(Error::number(Code::PcrMissing, "PCR index", "measured", index.get().into()));
                }
            };
        }
        Ok(selected)
    }

    /// Whether these are a debug-mode enclave's values: PCR0, PCR1 and PCR2 all zero.
    ///
    /// PCR3 and PCR4 are measured in debug mode too, so "all PCRs zero" would never be seen.
    pub fn is_debug(&self) -> bool {
        PcrSelection::IMAGE.iter().all(|index| self.get(index) == Some(&Pcr::ZERO))
    }

    /// Every PCR of `self` whose value in `measured` is another one, or absent.
    pub fn mismatches<'a>(&'a self, measured: &'a Self) -> impl Iterator<Item = PcrMismatch> + 'a {
        self.iter().filter(|&(index, expected)| measured.get(index) != Some(expected)).map(
            |(index, expected)| PcrMismatch {
                index,
                expected: *expected,
                measured: measured.get(index).copied(),
            },
        )
    }
}

impl Default for PcrSet {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<(PcrIndex, Pcr)> for PcrSet {
    fn from_iter<I: IntoIterator<Item = (PcrIndex, Pcr)>>(values: I) -> Self {
        let mut set = Self::new();
        for (index, value) in values {
            set.insert(index, value);
        }
        set
    }
}

impl fmt::Debug for PcrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(index, value)| (index.get(), value))).finish()
    }
}

/// A PCR whose value is not the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcrMismatch {
    /// Which PCR.
    pub index: PcrIndex,
    /// The value that was expected.
    pub expected: Pcr,
    /// The value that is there, if any.
    pub measured: Option<Pcr>,
}

impl fmt::Display for PcrMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, measured ", self.index, self.expected)?;
        match &self.measured {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("nothing"),
        }
    }
}
