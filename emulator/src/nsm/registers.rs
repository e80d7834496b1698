//! The 32 registers: extend, lock, read.

use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};

use super::{extended, pcr_index};

/// Longest request to the NSM in bytes (`aws-nitro-enclaves-nsm-api`, `NSM_REQUEST_MAX_SIZE`).
const MAX_REQUEST_LEN: usize = 4096;
/// Registers of an NSM (`DescribeNSM`, `max_pcrs`).
const MAX_PCRS: u16 = 32;
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

    pub(super) fn extend(&mut self, index: u16, data: &[u8]) -> Result<Pcr, Error> {
        if data.len() > MAX_REQUEST_LEN {
            let found = u64::try_from(data.len()).unwrap_or(u64::MAX);
            return Err(Error::number(Code::NsmInputTooLarge, "bytes", "0..4096", found));
        }
        let index = self.unlocked(index)?;
        let value = extended(&self.value(index), data);
        self.values.insert(index, value);
        Ok(value)
    }

    pub(super) fn lock(&mut self, index: u16) -> Result<(), Error> {
        self.locked = self.locked.with(self.unlocked(index)?);
        Ok(())
    }

    pub(super) fn lock_range(&mut self, range: u16) -> Result<(), Error> {
        if range > MAX_PCRS {
            return Err(Error::number(Code::NsmInvalidIndex, "PCR range", "0..32", u64::from(range)));
        }
        for index in 0..range {
            self.locked = self.locked.with(pcr_index(index)?);
        }
        Ok(())
    }

    pub(super) fn describe(&self, index: u16) -> Result<(bool, Pcr), Error> {
        let index = pcr_index(index)?;
        Ok((self.locked.contains(index), self.value(index)))
    }

    pub(super) fn locked(&self) -> PcrSet {
        self.locked.iter().map(|index| (index, self.value(index))).collect()
    }

    fn unlocked(&self, index: u16) -> Result<PcrIndex, Error> {
        let index = pcr_index(index)?;
        if self.locked.contains(index) {
            return Err(Error::number(
                Code::NsmReadOnlyIndex,
                "PCR index",
                "an unlocked PCR",
                index.get().into(),
            ));
        }
        Ok(index)
    }

    fn value(&self, index: PcrIndex) -> Pcr {
        self.values.get(index).copied().unwrap_or(Pcr::ZERO)
    }
}
