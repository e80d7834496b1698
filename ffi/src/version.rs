//! Which library this is.

use std::ffi::{CStr, CString, c_char};
use std::sync::LazyLock;

/// The version of this header's interface: the number in the library's soname. It grows when a program that was compiled
/// with an older header would break, and only then; new functions and codes do not change it.
pub const PCRSEAL_ABI_VERSION: u32 = 1;

/// The interface's version of the library that is loaded. A program compares it with `PCRSEAL_ABI_VERSION`.
#[unsafe(no_mangle)]
pub extern "C" fn pcrseal_abi_version() -> u32 {
    PCRSEAL_ABI_VERSION
}

/// The library's version, `"MAJOR.MINOR.PATCH"`. The text is static: it is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn pcrseal_version() -> *const c_char {
    static VERSION: LazyLock<CString> = LazyLock::new(|| crate::error::c_string(env!("CARGO_PKG_VERSION")));
    let version: &'static CStr = &VERSION;
    version.as_ptr()
}
