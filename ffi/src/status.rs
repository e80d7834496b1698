//! Names and sentences of status codes as C texts, made once from the one registry.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::sync::LazyLock;

use pcrseal::Code;

use crate::error::{Status, c_string};

struct Texts {
    name: CString,
    message: CString,
}

static TEXTS: LazyLock<BTreeMap<Status, Texts>> = LazyLock::new(|| {
    let texts =
        |code: &Code| (code.number(), Texts { name: c_string(code.name()), message: c_string(code.text()) });
    Code::ALL.iter().map(texts).collect()
});

pub(crate) fn name(status: Status) -> &'static CStr {
    match TEXTS.get(&status) {
        Some(texts) => &texts.name,
        None if status == 0 => c"ok",
        None => c"unknown",
    }
}

pub(crate) fn message(status: Status) -> &'static CStr {
    match TEXTS.get(&status) {
        Some(texts) => &texts.message,
        None if status == 0 => c"the call succeeded",
        None => c"a status that this library does not know",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_texts() {
        for code in Code::ALL {
            assert_eq!(name(code.number()).to_str(), Ok(code.name()));
            assert_eq!(message(code.number()).to_str(), Ok(code.text()));
        }
        assert_eq!((name(0), name(7)), (c"ok", c"unknown"));
        assert_ne!(message(0), message(7));
    }
}
