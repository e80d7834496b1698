//! Proof that core works without std: a static library with an allocator and a panic handler of its own.
//!
//! A std anywhere in the graph brings a second panic handler, and the build fails with E0152. The functions
//! below are called from `main.c`, so that the library is not only linked but runs.

#![no_std]

extern crate alloc;

#[path = "../../../core/tests/common/cms/envelope.rs"]
mod envelope;
mod kms;
mod runtime;
mod sessions;

/// Seals a generated secret under a 3-of-5 quorum, adds a binding, drops the first one, and unseals as the
/// image of the new one.
///
/// Returns 0, or the stable code of the error.
#[unsafe(no_mangle)]
pub extern "C" fn proof_seal_rebind_unseal() -> u32 {
    sessions::seal_rebind_unseal().map_or_else(|error| error.code().number(), |()| 0)
}
