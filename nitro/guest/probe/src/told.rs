//! What the guest is told of its module: files that the harness adds to the ramdisk.

use std::fs;
use std::io;
use std::path::Path;

use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal_nsm_conformance::Expectations;

/// The root certificate that documents chain to (DER). Without this file the module is QEMU's, which does not sign.
const ROOT: &str = "/etc/pcrseal/root.der";
/// What else is known: lines `pcr INDEX HEX`, and one `issued_ms FIRST LAST`.
const EXPECTED: &str = "/etc/pcrseal/expected";

/// What is expected of the module.
pub(crate) struct Told {
    pub(crate) expectations: Expectations,
    pub(crate) signs: bool,
}

impl Told {
    /// Reads the files.
    pub(crate) fn read() -> Result<Self, String> {
        let root = match fs::read(ROOT) {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { expectations: Expectations::unsigned(), signs: false });
            }
            Err(error) => return Err(format!("{ROOT}: {error}")),
        };
        let text = fs::read_to_string(Path::new(EXPECTED)).map_err(|error| format!("{EXPECTED}: {error}"))?;
        let expectations = expected(Expectations::signed_under(&root), &text)?;
        Ok(Self { expectations, signs: true })
    }
}

fn expected(mut expectations: Expectations, text: &str) -> Result<Expectations, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{EXPECTED}: {text} is no number"));
    let mut pcrs = PcrSet::new();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["pcr", index, value] => {
                let index = PcrIndex::try_from(number(index)?).map_err(|error| error.to_string())?;
                pcrs.insert(index, Pcr::from_hex(value).map_err(|error| error.to_string())?);
            }
            ["issued_ms", first, last] => {
                expectations = expectations.issued_within_ms(number(first)?..=number(last)?);
            }
            _ => return Err(format!("{EXPECTED}: expected lines of pcr and issued_ms, found {line:?}")),
        }
    }
    Ok(expectations.pcrs(pcrs))
}
