//! The PCRs of a TPM as the kernel shows them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::PCR_LEN;
use pcrseal_core::pcr::{Pcr, PcrSelection, PcrSet};

/// Bytes of such a file: two digits a byte and a line feed (Linux, `drivers/char/tpm/tpm-sysfs.c`, `pcr_value_show`).
const PCR_FILE_LEN: usize = 2 * PCR_LEN + 1;

/// Reads the selected registers of one bank.
pub(super) fn read(folder: &Path, selection: PcrSelection) -> Result<PcrSet, Error> {
    selection.iter().map(|index| Ok((index, register(&folder.join(index.get().to_string()))?))).collect()
}

/// `%02X` for each byte of the digest, then a line feed.
fn register(path: &Path) -> Result<Pcr, Error> {
    let unreadable = |found: &dyn std::fmt::Display| {
        Error::at(Code::NitroTpmPcr, path.display().to_string(), "96 hex digits and a line feed", found)
    };
    let mut text = String::new();
    // One byte more than there may be, so that a longer file is noticed, and no file is read whole.
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    file.take(PCR_FILE_LEN as u64 + 1).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    let digits = text.strip_suffix('\n').ok_or_else(|| unreadable(&format_args!("{text:?}")))?;
    Pcr::from_hex(digits).map_err(|_| unreadable(&format_args!("{text:?}")))
}
