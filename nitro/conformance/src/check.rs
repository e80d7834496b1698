//! What checks are made of.

use std::fmt::Debug;

use pcrseal_core::attester::{NitroSecureModule, PcrState};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex};
use sha2::{Digest, Sha384};

/// Nothing, or what was expected and what was found.
pub(crate) type Result<T = ()> = core::result::Result<T, String>;

/// What the operation gives.
pub(crate) fn done<T>(operation: &str, result: core::result::Result<T, Error>) -> Result<T> {
    result
        .map_err(|error| format!("{operation}: expected to succeed, found {} {error}", error.code().number()))
}

/// The operation must fail, with this code.
pub(crate) fn refused<T>(operation: &str, code: Code, result: core::result::Result<T, Error>) -> Result {
    match result {
        Err(error) if error.code() == code => Ok(()),
        Err(error) => Err(format!("{operation}: expected {code}, found {}", error.code())),
        Ok(_) => Err(format!("{operation}: expected {code}, found that it succeeds")),
    }
}

pub(crate) fn equal<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

pub(crate) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// A register's number as an index.
pub(crate) fn index(number: u8) -> Result<PcrIndex> {
    PcrIndex::try_from(u64::from(number)).map_err(|error| error.to_string())
}

pub(crate) fn describe_pcr(module: &dyn NitroSecureModule, index: PcrIndex) -> Result<PcrState> {
    done(&format!("DescribePCR of {index}"), module.describe_pcr(index))
}

/// The state of all registers.
pub(crate) fn describe_all(module: &dyn NitroSecureModule) -> Result<Vec<(PcrIndex, PcrState)>> {
    PcrIndex::all().map(|index| Ok((index, describe_pcr(module, index)?))).collect()
}

/// What `ExtendPCR` makes of a value: SHA-384(old value || data).
pub(crate) fn extended(old: &Pcr, data: &[u8]) -> Pcr {
    Pcr::new(Sha384::new().chain_update(old.as_bytes()).chain_update(data).finalize().into())
}
