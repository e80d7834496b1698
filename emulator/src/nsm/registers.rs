//! The 32 registers: extend, lock, read.

use pcrseal_core::attester::PcrState;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};

use super::{extended, pcr_index};

/// Registers of an NSM (`DescribeNSM`, `max_pcrs`).
pub(super) const MAX_PCRS: u16 = 32;
/// Registers that the hypervisor locks before the enclave runs.
const LOCKED_FROM_BOOT: u16 = 16;

pub(super) struct Registers {
    values: PcrSet,
    locked: PcrSelection,
}

impl Registers {
    /// All zero, none locked.
    pub(super) fn new() -> Self {
        Self {
            values: PcrIndex::all().map(|index| (index, Pcr::ZERO)).collect(),
            locked: PcrSelection::EMPTY,
        }
    }

    /// What happens before the enclave runs: measures, then locks PCR0 to PCR15.
    pub(super) fn boot(&mut self, measurements: &[(u16, Pcr)]) -> Result<(), Error> {
        for &(index, value) in measurements {
            self.values.insert(pcr_index(index)?, value);
        }
        self.lock_range(LOCKED_FROM_BOOT)
    }

    /// The register becomes SHA-384(old value || data).
    ///
    /// # Errors
    /// [`Code::NsmReadOnlyIndex`]; [`Code::NsmInvalidArgument`] for no data. QEMU's device takes no data and extends
    /// by nothing; who asks for that has lost what was to be measured.
    pub(super) fn extend(&mut self, index: PcrIndex, data: &[u8]) -> Result<Pcr, Error> {
        if data.is_empty() {
            return Err(Error::number(Code::NsmInvalidArgument, "bytes to extend by", "1 or more", 0));
        }
        self.check_unlocked(index)?;
        let value = extended(&self.value(index), data);
        self.values.insert(index, value);
        Ok(value)
    }

    /// # Errors
    /// [`Code::NsmReadOnlyIndex`] when it is locked already.
    pub(super) fn lock(&mut self, index: PcrIndex) -> Result<(), Error> {
        self.check_unlocked(index)?;
        self.locked = self.locked.with(index);
        Ok(())
    }

    /// Locks every register below `range`; those that are locked stay so.
    ///
    /// # Errors
    /// [`Code::NsmInvalidIndex`] above [`MAX_PCRS`]: nothing is locked then.
    pub(super) fn lock_range(&mut self, range: u16) -> Result<(), Error> {
        if range > MAX_PCRS {
            return Err(Error::number(Code::NsmInvalidIndex, "PCR range", "0..32", u64::from(range)));
        }
        for index in 0..range {
            self.locked = self.locked.with(pcr_index(index)?);
        }
        Ok(())
    }

    pub(super) fn describe(&self, index: PcrIndex) -> PcrState {
        PcrState { locked: self.locked.contains(index), value: self.value(index) }
    }

    /// Which registers are locked.
    pub(super) const fn locked(&self) -> PcrSelection {
        self.locked
    }

    /// The locked registers' values: what documents show.
    pub(super) fn measured(&self) -> PcrSet {
        self.locked.iter().map(|index| (index, self.value(index))).collect()
    }

    fn check_unlocked(&self, index: PcrIndex) -> Result<(), Error> {
        if self.locked.contains(index) {
            let found = index.get().into();
            return Err(Error::number(Code::NsmReadOnlyIndex, "PCR index", "an unlocked PCR", found));
        }
        Ok(())
    }

    fn value(&self, index: PcrIndex) -> Pcr {
        self.values.get(index).copied().unwrap_or(Pcr::ZERO)
    }
}
