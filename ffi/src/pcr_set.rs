//! Sets of PCR values.

use std::sync::Mutex;

use pcrseal::Code;
use pcrseal::core::error::Error as Fault;
use pcrseal::core::limits::PCR_LEN;
use pcrseal::core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet as CorePcrSet};

use crate::error::{Error, Failure, Status};
use crate::lock::lock;
use crate::pointer::{call, free, get};

/// Bytes of a PCR's value: SHA-384.
pub const PCRSEAL_PCR_LEN: u32 = 48;

const _: () = assert!(PCRSEAL_PCR_LEN as usize == PCR_LEN);

/// PCR values by index, 0..31: what an image measures, or what a binding of a blob accepts. Public, no secret.
///
/// Threads may share one: a lock inside keeps changes and reads apart, and their order is the program's.
pub struct PcrSet(Mutex<CorePcrSet>);

impl PcrSet {
    /// The values as they are now.
    pub(crate) fn values(&self) -> CorePcrSet {
        lock(&self.0).clone()
    }
}

impl From<CorePcrSet> for PcrSet {
    fn from(values: CorePcrSet) -> Self {
        Self(Mutex::new(values))
    }
}

/// An index that a caller names.
pub(crate) fn index(index: u32) -> Result<PcrIndex, Fault> {
    PcrIndex::try_from(u64::from(index))
}

/// A selection as C has it: bit i stands for PCR i.
pub(crate) fn bits(selection: PcrSelection) -> u32 {
    selection.iter().fold(0, |bits, index| bits | 1 << index.get())
}

/// A new set without values, in `pcrs`; whoever gets it frees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_pcr_set_new(pcrs: *mut *mut PcrSet, error: *mut *mut Error) -> Status {
    call(error, |caller| {
        caller.out(pcrs, "pcrs").give(CorePcrSet::new().into());
        Ok(())
    })
}

/// A new set, in `pcrs`, of what `nitro-cli build-enclave` and `nitro-cli describe-eif` print as JSON: PCR0, PCR1, PCR2
/// and, for a signed image, PCR8. Whoever gets it frees it.
///
/// Fails with `PCRSEAL_E_TOO_LONG` beyond 65536 bytes, and with `PCRSEAL_E_MEASUREMENTS_JSON`,
/// `PCRSEAL_E_MEASUREMENTS_ALGORITHM`, `PCRSEAL_E_MEASUREMENTS_MISSING`, `PCRSEAL_E_MEASUREMENTS_UNKNOWN`,
/// `PCRSEAL_E_PCR_LENGTH` or `PCRSEAL_E_PCR_HEX` for what nitro-cli does not print.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_pcr_set_from_measurements_json(
    json: *const u8,
    json_len: usize,
    pcrs: *mut *mut PcrSet,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let pcrs = caller.out(pcrs, "pcrs");
        let json = caller.bytes(json, json_len, "json")?;
        pcrs.give(CorePcrSet::from_measurements_json(json)?.into());
        Ok(())
    })
}

/// Sets the value of the PCR at `index`; one that was there is replaced.
///
/// Fails with `PCRSEAL_E_PCR_INDEX` unless `index` is 0..31, and with `PCRSEAL_E_PCR_LENGTH` unless `value_len` is
/// `PCRSEAL_PCR_LEN`; the set is unchanged then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_pcr_set_insert(
    pcrs: *mut PcrSet,
    index: u32,
    value: *const u8,
    value_len: usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let pcrs = caller.handle(pcrs, "pcrs")?;
        let value = Pcr::try_from(caller.bytes(value, value_len, "value")?)?;
        lock(&pcrs.0).insert(self::index(index)?, value);
        Ok(())
    })
}

/// Writes the value of the PCR at `index`, `PCRSEAL_PCR_LEN` bytes, to `value`.
///
/// Fails with `PCRSEAL_E_PCR_INDEX` unless `index` is 0..31, with `PCRSEAL_E_PCR_MISSING` when the set has no such value,
/// and with `PCRSEAL_E_BUFFER_TOO_SMALL` when `value_capacity` is less.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_pcr_set_value(
    pcrs: *const PcrSet,
    index: u32,
    value: *mut u8,
    value_capacity: usize,
    value_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let value = caller.buffer(value, value_capacity, value_len, "value");
        let pcrs = caller.handle(pcrs, "pcrs")?.values();
        let index = self::index(index)?;
        let found = pcrs.get(index).ok_or_else(|| {
            Failure::from(Fault::number(Code::PcrMissing, "PCR index", "one of the set", index.get().into()))
        })?;
        value.write(found.as_bytes())
    })
}

/// Which PCRs the set has values of: bit i stands for PCR i. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_pcr_set_selection(pcrs: *const PcrSet) -> u32 {
    get(pcrs, 0, |pcrs| bits(lock(&pcrs.0).selection()))
}

/// Frees a set. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_pcr_set_free(pcrs: *mut PcrSet) {
    free(pcrs);
}
