//! Which library this is, and what it can do.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::LazyLock;

use crate::pointer::call;

/// The version of this header's interface: the number in the library's soname. It grows when a program that was compiled
/// with an older header would break, and only then; new functions and codes do not change it.
pub const PCRSEAL_ABI_VERSION: u32 = 1;

/// What `pcrseal_has_feature` answers to. A name is never taken back while the ABI's version stays.
const FEATURES: [&str; 5] = ["host-transport", "log", "nitro-tpm", "nsm-socket", "vsock"];

/// The interface's version of the library that is loaded. A program compares it with `PCRSEAL_ABI_VERSION`.
#[unsafe(no_mangle)]
pub extern "C" fn pcrseal_abi_version() -> u32 {
    PCRSEAL_ABI_VERSION
}

/// The library's version, `"MAJOR.MINOR.PATCH"`. The text is static: it is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn pcrseal_version() -> *const c_char {
    static VERSION: LazyLock<CString> = LazyLock::new(|| crate::error::c_string(env!("CARGO_PKG_VERSION")));
    VERSION.as_ptr()
}

/// Whether the library that is loaded can do something: a program that was compiled with a newer header, or for a library
/// built with other parts, asks before it relies on it. False for NULL and for names that this library does not know.
///
/// `"host-transport"`: unseals whose bytes the program itself moves (`pcrseal_host_unseal_…`). `"log"`: the log callback.
/// `"nitro-tpm"`: the NitroTPM of an EC2 instance as attester. `"nsm-socket"`: a Nitro Secure Module behind a Unix
/// socket, which is the emulator's. `"vsock"`: connections to the parent instance.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_has_feature(name: *const c_char) -> bool {
    let mut found = false;
    call(ptr::null_mut(), |caller| {
        found = FEATURES.contains(&caller.text(name, "name")?);
        Ok(())
    });
    found
}

/// Overwrites `data_len` bytes at `data` with zeros, in a way that no compiler leaves out: for a program's own copies of
/// secrets. NULL, and a length beyond `PTRDIFF_MAX`, are nothing to overwrite.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_zeroize(data: *mut u8, data_len: usize) {
    crate::pointer::zeroize(data, data_len);
}
